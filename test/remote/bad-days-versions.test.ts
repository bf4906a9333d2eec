import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { createServer as createHttp2Server, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { status } from '@grpc/grpc-js';
import { codecOf } from '../../src/contract/codec.ts';
import type { ExecuteEvent } from '../../src/contract/messages.ts';
import { AgentError, grpcAgent, httpAgent, type RemoteAgent } from '../../src/library/agent.ts';
import { envelope } from '../../src/protocols/envelope.ts';
import { type Golden, golden, NEXT_VERSION, nextMessageOf } from '../contract/versions.ts';
import { serve } from '../support/agent.ts';
import { failure } from '../support/agent-calls.ts';
import { HOST_TOKEN, type HostInProcess, hostFor } from '../support/host.ts';
import { http } from '../support/http.ts';
import { grpcRaw } from '../support/remote-agents.ts';
import type { Ends } from '../support/temp.ts';

const next = (message: string): Golden => {
  const found = golden(NEXT_VERSION).find((one) => one.file.endsWith(`/${message}`));
  return found ?? assert.fail(`no golden ${message}`);
};
const newer = (message: string) =>
  codecOf<Record<string, unknown>, ReturnType<typeof nextMessageOf>>(nextMessageOf(message));
const EVENTS = ['ExecuteEvent-chunk', 'ExecuteEvent-progress', 'ExecuteEvent-done'].map(next);
const REPLY = next('ExecuteReply-full');
const json = ({ body }: Golden): Record<string, unknown> => JSON.parse(new TextDecoder().decode(body));

/** Agents at a host of another version, which answers what was kept of the later one. */
async function hostsOf(t: Ends, version: string): Promise<RemoteAgent[]> {
  const overHttp = await serve(
    createServer((request, response) => {
      request.resume();
      const isStream = request.url?.endsWith('/stream') === true;
      response.writeHead(200, {
        'Content-Type': isStream ? 'text/event-stream' : 'application/json',
        'outrider-contract': version,
      });
      const events = EVENTS.map((event) => {
        const [[name, value] = []] = Object.entries(json(event));
        return `event: ${name}\ndata: ${JSON.stringify(value)}\n\n`;
      });
      response.end(isStream ? events.join('') : Buffer.from(REPLY.body));
    }),
  );
  const overHttp2 = createHttp2Server();
  overHttp2.on('stream', (stream: ServerHttp2Stream, headers) => {
    stream.on('error', () => undefined);
    stream.resume();
    const isStream = headers[':path']?.endsWith('/ExecuteStream') === true;
    const fields = { ':status': 200, 'content-type': 'application/grpc', 'outrider-contract': version };
    stream.respond(fields, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
    stream.end(Buffer.concat((isStream ? EVENTS : [REPLY]).map(({ binary }) => envelope(0, binary))));
  });
  await new Promise<void>((resolve) => {
    overHttp2.listen(0, '127.0.0.1', resolve);
  });
  // Listening on TCP, so that the address is an object.
  const { port } = overHttp2.address() as AddressInfo;
  const agents = [
    httpAgent({ url: overHttp.url, id: 'writer', retry: false }),
    grpcAgent({ url: `http://127.0.0.1:${port}`, id: 'writer', retry: false }),
  ];
  t.after(async () => {
    await Promise.all(agents.map((agent) => agent.close()));
    overHttp2.close();
    await overHttp.close();
  });
  return agents;
}

async function eventsOf(agent: RemoteAgent): Promise<ExecuteEvent[]> {
  const events: ExecuteEvent[] = [];
  for await (const event of agent.stream({ input: 'x' })) events.push(event);
  return events;
}

test('a host of a later minor version is understood, and what is not known is no harm', async (t) => {
  const [, , done] = EVENTS.map(json);
  for (const agent of await hostsOf(t, NEXT_VERSION)) {
    const reply = await agent.execute({ input: 'x' });
    for (const name of ['output', 'token_count', 'execution_time_ms', 'loop_count', 'stop_reason'] as const) {
      assert.deepEqual(reply[name], json(REPLY)[name], name);
    }
    const events = await eventsOf(agent);
    assert.deepEqual(
      events.map((event) => Object.keys(event)),
      [['chunk'], ['done']],
    );
    // What the later version says there.
    assert.equal(events[1]?.done?.output, (done as { done: { output: string } }).done.output);
  }
});

test('a host of another major version is refused by its callers, and both versions are named', async (t) => {
  for (const agent of await hostsOf(t, '2.0')) {
    for (const work of [() => agent.execute({ input: 'x' }), () => eventsOf(agent)]) {
      const error = await failure(work());
      assert.deepEqual([error.code, error.retryable], ['unreadable', false]);
      assert.match(error.message, /2\.0.*1\.0|1\.0.*2\.0/);
    }
  }
});

describe('callers of other versions', () => {
  const ends: (() => unknown)[] = [];
  let host: HostInProcess;
  /** What the agent was asked. */
  const asked: object[] = [];
  before(async () => {
    host = await hostFor(
      { after: (end) => ends.push(end) },
      {
        agents: [
          {
            id: 'writer',
            execute(request) {
              asked.push(request);
              if (request.input === 'fail') throw new AgentError('of_tomorrow', 'later', { status: 409 });
              return 'written';
            },
          },
        ],
      },
    );
  });
  after(async () => {
    for (const end of ends.toReversed()) await end();
  });
  const request = next('ExecuteRequest-full');
  const path = (): string => `${host.url}/v1/agents/writer/execute`;
  const fields = (version: string) => ({ authorization: `Bearer ${HOST_TOKEN}`, 'outrider-contract': version });

  test('a later minor version is served, and told which one speaks here', async () => {
    const known: Record<string, unknown> = { ...json(request), agent_id: 'writer' };
    const reply = await http(path(), { headers: fields(NEXT_VERSION), body: known });
    assert.deepEqual([reply.status, reply.json.output, reply.headers['outrider-contract']], [200, 'written', '1.0']);
    const message = Buffer.from(newer('ExecuteRequest').encode(known));
    const { code, details, reply: answer } = await grpcRaw(host.url, 'Execute', message, fields(NEXT_VERSION));
    assert.equal(code, status.OK, details);
    assert.equal(newer('ExecuteReply').decode(answer ?? Buffer.alloc(0))['output'], 'written');
    assert.equal(asked.length, 2);
    for (const one of asked) assert.equal((one as { input: string }).input, known['input']);
  });

  test('another major version is refused before anything runs, and both versions are named', async () => {
    asked.length = 0;
    for (const version of ['2.0', '0.9', 'one', '1.0, 2.0']) {
      const reply = await http(path(), { headers: fields(version), body: json(request) });
      assert.deepEqual([reply.status, reply.json.error.code], [400, 'bad_request'], version);
      const { code, details } = await grpcRaw(host.url, 'Execute', Buffer.from(request.binary), fields(version));
      assert.equal(code, status.INVALID_ARGUMENT, details);
      for (const message of [reply.json.error.message, details]) {
        assert.ok(message.includes('1.0'), message);
        if (/^\d/.test(version) && !version.includes(',')) assert.ok(message.includes(version), message);
      }
    }
    assert.deepEqual(asked, []);
  });

  test('a code that nobody knows yet arrives with its status', async (t) => {
    for (const make of [httpAgent, grpcAgent]) {
      const agent = make({ url: host.url, id: 'writer', token: HOST_TOKEN, retry: false });
      t.after(() => agent.close());
      const { code, status, retryable } = await failure(agent.execute({ input: 'fail' }));
      assert.deepEqual([code, status, retryable], ['of_tomorrow', 409, false]);
    }
  });
});
