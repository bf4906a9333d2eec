import type { IncomingMessage, ServerResponse } from 'node:http';
import type { TestContext } from 'node:test';
import { type Seen, startAgent } from './agent.ts';

export interface SmallPeer {
  url: string;
  seen: Seen[];
  /** The requests, parsed. */
  // oxlint-disable-next-line typescript/no-explicit-any -- JSON that assertions take apart
  asked(): any[];
  /** The values of a header in all requests so far. */
  header(name: string): (string | undefined)[];
}

/** A peer of the `tasks/send` kind on a real socket: answers with the message it was sent, unless `answer` does otherwise. */
export async function smallPeerFor(
  t: TestContext,
  answer?: (response: ServerResponse, body: Buffer, request: IncomingMessage) => void,
): Promise<SmallPeer> {
  const agent = await startAgent((request, response, body) => {
    if (answer !== undefined) {
      answer(response, body, request);
      return;
    }
    const { id, params } = JSON.parse(body.toString());
    response.setHeader('Content-Type', 'application/json');
    response.end(JSON.stringify({ jsonrpc: '2.0', id, result: { status: 'completed', echo: params?.message } }));
  });
  t.after(() => agent.close());
  return {
    url: agent.url,
    seen: agent.seen,
    asked: () => agent.seen.map(({ body }) => JSON.parse(body.toString())),
    header: (name) => agent.seen.map(({ headers }) => fieldOf(headers, name)),
  };
}

/** A field of raw headers, by its lower-case name. */
export function fieldOf(headers: readonly string[], name: string): string | undefined {
  const index = headers.findIndex((field, at) => at % 2 === 0 && field.toLowerCase() === name);
  return index < 0 ? undefined : headers[index + 1];
}
