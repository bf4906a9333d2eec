import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { createServer as createHttp2Server, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { executeEventCodec } from '../../src/contract/codec.ts';
import { grpcAgent, httpAgent } from '../../src/library/agent.ts';
import { envelope } from '../../src/protocols/envelope.ts';
import { serve } from '../support/agent.ts';
import { failure, readStream } from '../support/agent-calls.ts';
import { HOST_TOKEN, type HostProcess, hostCommandFor } from '../support/host.ts';
import { http } from '../support/http.ts';
import { memoryOf, PROTOCOLS } from '../support/remote-agents.ts';
import { tcpProxy } from '../support/tcp-proxy.ts';
import { until, untilStill } from '../support/until.ts';

const CROWD = 1_000;
const ends: (() => unknown)[] = [];

let host: HostProcess;
before(async () => {
  host = await hostCommandFor(
    { after: (end) => ends.push(end) },
    {
      args: [join(import.meta.dirname, 'fixtures/bad-day-agents.ts')],
      config: `agents: { together: { concurrency: ${CROWD} } }`,
    },
  );
});
after(async () => {
  for (const end of ends.toReversed()) await end();
});

async function running(agent: string): Promise<number> {
  const { text } = await http(`${host.url}/metrics`);
  return Number(new RegExp(`^outrider_agent_running\\{agent="${agent}"\\} (\\d+)$`, 'm').exec(text)?.[1]);
}

for (const [protocol, make] of PROTOCOLS) {
  for (const how of ['reset', 'end'] as const) {
    test(`${protocol}: a connection that is cut (${how}) is an error at both ends, at once`, async (t) => {
      const proxy = await tcpProxy(t, host.port);
      const agent = make({ url: `http://127.0.0.1:${proxy.port}`, id: 'waiter', token: HOST_TOKEN, retry: false });
      t.after(() => agent.close());
      const begun = Promise.withResolvers<void>();
      const read = async (): Promise<void> => {
        for await (const event of agent.stream({ input: 'x' })) if (event.chunk !== undefined) begun.resolve();
      };
      const failures = [failure(read()), failure(agent.execute({ input: 'x' }))];
      await begun.promise;
      await until(async () => (await running('waiter')) === 2, 'both run');
      const cutAt = performance.now();
      proxy.cut(how);
      for (const error of await Promise.all(failures)) {
        assert.deepEqual([error.code, error.retryable], ['unreachable', true], error.message);
      }
      assert.ok(performance.now() - cutAt < 1_000);
      // The agent's runs are broken off too.
      await until(async () => (await running('waiter')) === 0, 'nothing runs any more', 2_000);
    });
  }

  test(`${protocol}: a reader that stops slows the agent, and the host holds no more than a bit of it`, async (t) => {
    const agent = make({ url: host.url, id: 'flood', token: HOST_TOKEN });
    const flooded = make({ url: host.url, id: 'flooded', token: HOST_TOKEN });
    t.after(() => Promise.all([agent.close(), flooded.close()]));
    const input = `slow ${protocol}`;
    const seen = async (): Promise<{ made: number; aborted: boolean }> =>
      JSON.parse((await flooded.execute({ input })).output);
    const before = memoryOf(host.process.pid).now;
    const events = agent.stream({ input })[Symbol.asyncIterator]();
    assert.ok((await events.next()).value?.chunk !== undefined);
    // Nobody reads now. It goes on as far as there is room on the way, and stops there.
    const made = await untilStill(async () => (await seen()).made, 'it stands still', 200);
    const mib = (made * 16) / 1024;
    const grown = memoryOf(host.process.pid).now - before;
    console.log(
      `${protocol}: the agent stopped after ${mib.toFixed(1)} MiB, and the host grew by ${grown.toFixed(0)} MiB`,
    );
    assert.ok(mib < 16, `${mib} MiB were made for nobody`);
    assert.ok(grown < 40, `${grown} MiB`);
    // It goes on when there is a reader again.
    for (let i = 0; i < 2 * made; i++) assert.ok((await events.next()).value?.chunk !== undefined);
    assert.ok((await seen()).made > made);
    await events.return?.();
    await until(async () => (await seen()).aborted, 'the agent is told that the reader has left', 2_000);
  });

  test(`${protocol}: ${CROWD} streams at once, each to its end`, { timeout: 30_000 }, async (t) => {
    const proxy = await tcpProxy(t, host.port);
    const agent = make({ url: `http://127.0.0.1:${proxy.port}`, id: 'together', token: HOST_TOKEN, retry: false });
    t.after(() => agent.close());
    const began = performance.now();
    const all = await Promise.all(
      Array.from({ length: CROWD }, () => readStream(agent.stream({ input: `${CROWD} ${protocol}` }))),
    );
    console.log(
      `${protocol}: ${CROWD} streams took ${(performance.now() - began).toFixed(0)} ms on ${proxy.taken()} connections`,
    );
    assert.deepEqual(
      all.filter(({ text, done }) => text !== 'here 0 1 2 3 4 5 6 7 8 9' || done.output !== text),
      [],
    );
    if (protocol === 'grpc') assert.equal(proxy.taken(), 1);
    await until(async () => (await running('together')) === 0, 'no place is taken any more', 2_000);
  });
}

const CHUNK = { chunk: { text: 'begun' } } as const;

test('http: a stream that ends in order, but without done, is an error', async (t) => {
  const bodies = [
    '',
    ': only a comment\n\n',
    `event: chunk\ndata: ${JSON.stringify(CHUNK.chunk)}\n\n`,
    `event: chunk\ndata: ${JSON.stringify(CHUNK.chunk)}\n\nevent: done\ndata: {"output":"not ended by an empty line"}\n`,
  ];
  for (const body of bodies) {
    const server = await serve(
      createServer((request, response) => {
        request.resume();
        response.writeHead(200, { 'Content-Type': 'text/event-stream', 'outrider-contract': '1.0' }).end(body);
      }),
    );
    t.after(() => server.close());
    const agent = httpAgent({ url: server.url, id: 'x', retry: false });
    t.after(() => agent.close());
    const { code, retryable } = await failure(readStream(agent.stream({ input: 'x' })));
    assert.deepEqual([code, retryable], ['unreachable', true], body);
  }
});

test('gRPC: a stream that ends in order, but without done, is an error', async (t) => {
  const frame = envelope(0, executeEventCodec.encode(CHUNK));
  const fields = { ':status': 200, 'content-type': 'application/grpc', 'outrider-contract': '1.0' };
  const endings: [what: string, end: (stream: ServerHttp2Stream) => void][] = [
    [
      'status OK behind a chunk',
      (stream) => {
        stream.respond(fields, { waitForTrailers: true });
        stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
        stream.end(frame);
      },
    ],
    ['status OK at once', (stream) => stream.respond({ ...fields, 'grpc-status': '0' }, { endStream: true })],
    [
      'no status at all',
      (stream) => {
        stream.respond(fields);
        stream.end(frame);
      },
    ],
    [
      'half a message',
      (stream) => {
        stream.respond(fields, { waitForTrailers: true });
        stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
        stream.end(frame.subarray(0, frame.length - 1));
      },
    ],
    [
      'a reset without a fault',
      (stream) => {
        stream.respond(fields);
        stream.write(frame, () => stream.close(0));
      },
    ],
  ];
  for (const [what, end] of endings) {
    const server = createHttp2Server();
    server.on('stream', (stream: ServerHttp2Stream) => {
      stream.on('error', () => undefined);
      stream.resume();
      end(stream);
    });
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve);
    });
    t.after(() => server.close());
    // Listening on TCP, so that the address is an object.
    const { port } = server.address() as AddressInfo;
    const agent = grpcAgent({ url: `http://127.0.0.1:${port}`, id: 'x', retry: false });
    t.after(() => agent.close());
    const { code } = await failure(readStream(agent.stream({ input: 'x' })));
    assert.ok(code === 'unreachable' || code === 'unreadable', `${what}: ${code}`);
  }
});
