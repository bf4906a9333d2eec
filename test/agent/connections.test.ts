import assert from 'node:assert/strict';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { after, before, type TestContext, test } from 'node:test';
import { grpcAgent, httpAgent, type RemoteAgent } from '../../src/library/agent.ts';
import { until } from '../support/until.ts';
import { conformanceHost, HOST_TOKEN, type TestHost } from './support.ts';

const REPLY = { output: 'x', token_count: 0, execution_time_ms: 0, loop_count: 0, stop_reason: 'completed' };

/** Runs of the agent `waits`. */
const runs = { started: 0, abortedAt: [] as number[] };
let host: TestHost;

before(async () => {
  const wait = (signal: AbortSignal): Promise<never> =>
    new Promise((_resolve, reject) => {
      runs.started++;
      signal.addEventListener('abort', () => {
        runs.abortedAt.push(performance.now());
        reject(signal.reason);
      });
    });
  host = await conformanceHost([
    {
      id: 'waits',
      execute: (_request, { signal }) => wait(signal),
      async *stream(_request, { signal }) {
        yield 'x';
        await wait(signal);
      },
    },
    { id: 'echo', execute: ({ input }) => input },
  ]);
});
after(() => host.stop());

for (const [name, make] of [
  ['httpAgent', (id: string) => httpAgent({ url: host.url, id, token: HOST_TOKEN, retry: false })],
  ['grpcAgent', (id: string) => grpcAgent({ url: host.grpcUrl, id, token: HOST_TOKEN, retry: false })],
] as const) {
  test(`${name}: a run hears of its caller's leaving within 100 ms`, async (t) => {
    const agent = opened(t, make('waits'));
    const took: number[] = [];
    // Of several, since a busy machine may be late at any one.
    for (let i = 0; i < 10; i++) {
      const { started } = runs;
      runs.abortedAt.length = 0;
      const controller = new AbortController();
      const call =
        i % 2 === 0
          ? agent.execute({ input: 'x' }, { signal: controller.signal })
          : (async () => {
              for await (const _event of agent.stream({ input: 'x' }, { signal: controller.signal }));
            })();
      const failed = assert.rejects(Promise.resolve(call), { code: 'cancelled' });
      await until(() => runs.started > started, 'the run');
      const leftAt = performance.now();
      controller.abort();
      await failed;
      await until(() => runs.abortedAt.length > 0, 'the abort', 5_000, 1);
      took.push((runs.abortedAt[0] ?? 0) - leftAt);
    }
    took.sort((a, b) => a - b);
    assert.ok((took[5] ?? Number.NaN) < 100, `${took.map(Math.round).join(' ')} ms`);
  });

  test(`${name}: calls that are left in mid-flight leave nothing, and others go on`, async (t) => {
    const [waits, echo] = [opened(t, make('waits')), opened(t, make('echo'))];
    runs.abortedAt.length = 0;
    const { started } = runs;
    const controllers = Array.from({ length: 50 }, () => new AbortController());
    const calls = controllers.map(({ signal }) => assert.rejects(waits.execute({ input: 'x' }, { signal })));
    await until(() => runs.started === started + 50, 'all runs');
    for (const controller of controllers) controller.abort();
    await Promise.all(calls);
    assert.equal((await echo.execute({ input: 'still here' })).output, 'still here');
    await until(() => runs.abortedAt.length === 50, 'all aborts');
  });
}

test('a connection is used again after a reply, an error and a whole stream', async (t) => {
  const sockets = new Set<Socket>();
  const server = await serve(t, (request, response) => {
    sockets.add(request.socket);
    if (request.url?.endsWith('/stream')) {
      response.setHeader('Content-Type', 'text/event-stream');
      response.write('event: chunk\ndata: {"text":"a"}\n\n');
      setTimeout(() => {
        response.write(`event: done\ndata: ${JSON.stringify(REPLY)}\n\n`);
        setTimeout(() => response.end(': bye\n\n'), 5);
      }, 5);
    } else if (sockets.size % 2 === 0) json(response, 200, REPLY);
    else json(response, 409, { error: { code: 'conflict', message: 'x' } });
  });
  const agent = opened(t, httpAgent({ url: server.url, id: 'a' }));
  for (let i = 0; i < 5; i++) {
    await agent.execute({ input: 'x' }).catch(() => undefined);
    for await (const _event of agent.stream({ input: 'x' }));
    // Its end comes after its last event.
    await new Promise((resolve) => {
      setTimeout(resolve, 30);
    });
  }
  // The pool may open a second one when a call follows in the very moment in which a reply ends.
  assert.ok(sockets.size <= 2, `${sockets.size} connections`);
});

test('errors with pages that nobody reads leave no connection behind', async (t) => {
  const open = new Set<Socket>();
  const server = await serve(t, (_request, response) => {
    response.writeHead(502, { 'Content-Type': 'text/html' });
    response.write('x'.repeat(100_000));
    // And never ends.
  });
  server.server.on('connection', (socket) => {
    open.add(socket);
    socket.on('close', () => open.delete(socket));
  });
  const agent = opened(t, httpAgent({ url: server.url, id: 'a', retry: false }));
  for (let i = 0; i < 4; i++) await assert.rejects(agent.execute({ input: 'x' }), { code: 'unreachable' });
  await until(() => open.size === 0, 'all connections are closed');
});

test('a server that dies in mid-stream is an error, and so is one that ends it without done', async (t) => {
  for (const end of [
    (response: ServerResponse) => response.socket?.destroy(),
    (response: ServerResponse) => response.end(),
  ]) {
    const server = await serve(t, (_request, response) => {
      response.setHeader('Content-Type', 'text/event-stream');
      response.write('event: chunk\ndata: {"text":"a"}\n\n');
      setTimeout(() => end(response), 20);
    });
    const agent = opened(t, httpAgent({ url: server.url, id: 'a' }));
    const texts: string[] = [];
    await assert.rejects(
      async () => {
        for await (const event of agent.stream({ input: 'x' })) texts.push(event.chunk?.text ?? '');
      },
      { code: 'unreachable' },
    );
    assert.deepEqual(texts, ['a']);
  }
});

test('a path in the address stands before those of the contract', async (t) => {
  const targets: (string | undefined)[] = [];
  const server = await serve(t, (request, response) => {
    targets.push(request.url);
    json(response, 200, REPLY);
  });
  const agent = opened(t, httpAgent({ url: `${server.url}/team/blue/`, id: 'a' }));
  await agent.execute({ input: 'x' });
  assert.deepEqual(targets, ['/team/blue/v1/agents/a/execute']);
});

test('what is no address of an agent is refused, without repeating it', () => {
  for (const url of [
    '',
    'host:80',
    'ftp://h',
    'http://',
    'http://u:secret@h',
    'http://h/?secret',
    'http://h/#secret',
    'grpc://h',
  ]) {
    assert.throws(
      () => httpAgent({ url, id: 'a' }),
      (error: Error & { code?: string }) => error.code === 'bad_request' && !error.message.includes('secret'),
      url,
    );
  }
  assert.throws(() => grpcAgent({ url: 'grpc://h', id: 'a', token: 'a b' }), { code: 'bad_request' });
});

function opened(t: TestContext, agent: RemoteAgent): RemoteAgent {
  t.after(() => agent.close());
  return agent;
}

function json(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { 'Content-Type': 'application/json' });
  response.end(JSON.stringify(value));
}

async function serve(
  t: TestContext,
  handler: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<{ url: string; server: Server }> {
  const server = createServer((request, response) => {
    request.resume();
    request.on('end', () => handler(request, response));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, server };
}
