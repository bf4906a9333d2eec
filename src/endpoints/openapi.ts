import { readBody } from '../body.ts';
import type { Service } from '../call.ts';
import { getField } from '../fields.ts';
import { jsonReply } from '../problem.ts';
import { sidecarOpenApi } from '../protocols/openapi.ts';
import type { Identity } from './probes.ts';

const MAX_BYTES = 4 * 2 ** 20;
const TIMEOUT_MS = 2_000;

/**
 * `GET /openapi.json`, merged with the agent's own. The path is open, so the agent is asked at most once in `keepMs`,
 * however often this is called.
 */
export function openApi({ agent, version }: Identity, send: Service, keepMs = 10_000): Service {
  let latest: { at: number; reply: ReturnType<Service> } | undefined;
  return () => {
    const now = performance.now();
    if (latest === undefined || now - latest.at > keepMs) {
      const reply = fetchDocument(send).then((document) =>
        jsonReply(200, sidecarOpenApi({ title: agent, version: version ?? '0.0.0' }, document)),
      );
      latest = { at: now, reply };
    }
    return latest.reply;
  };
}

/** The agent's document, or undefined when it has none that can be read in time. */
async function fetchDocument(send: Service): Promise<unknown> {
  try {
    const reply = await send({
      method: 'GET',
      target: '/openapi.json',
      headers: ['Host', 'localhost', 'Accept', 'application/json'],
      body: null,
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const bytes = await readBody(reply.body, MAX_BYTES);
    if (reply.status !== 200 || getField(reply.headers, 'content-encoding') !== undefined) return undefined;
    return JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch {
    // An agent without a document, or one that is not up yet, is no fault.
    return undefined;
  }
}
