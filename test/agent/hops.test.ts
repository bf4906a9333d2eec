import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type Agent, AgentError, grpcAgent, httpAgent, type RemoteAgent } from '../../src/library/agent.ts';
import { until } from '../support/until.ts';
import { conformanceHost, HOST_TOKEN, type TestHost } from './support.ts';

/** An application calls an agent behind gRPC, which calls one behind HTTP. */
let far: TestHost;
let near: TestHost;
let behind: RemoteAgent;
let app: Agent & RemoteAgent;
const seen: { leftMs: number; traceparent: string | undefined; aborted?: unknown }[] = [];

before(async () => {
  far = await conformanceHost([
    {
      id: 'last',
      async *stream({ input }, { signal, deadline, trace }) {
        const entry: (typeof seen)[number] = {
          leftMs: (deadline ?? Number.NaN) - performance.now(),
          traceparent: trace?.traceparent,
        };
        seen.push(entry);
        if (input === 'fail') throw new AgentError('conflict', 'far away', { details: { where: 'far' } });
        yield 'so far';
        if (input !== 'wait') return;
        await new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => {
            entry.aborted = signal.reason;
            reject(signal.reason);
          });
        });
      },
    },
  ]);
  behind = httpAgent({ url: far.url, id: 'last', token: HOST_TOKEN });
  near = await conformanceHost([
    {
      id: 'relay',
      async execute(request, context) {
        try {
          return await behind.execute({ input: request.input }, context);
        } catch (cause) {
          throw new AgentError('agent_failed', 'the relay could not do it', { cause });
        }
      },
      async *stream(request, context) {
        yield* behind.stream({ input: request.input }, context);
      },
    },
  ]);
  app = grpcAgent({ url: near.grpcUrl, id: 'relay', token: HOST_TOKEN });
});
after(async () => {
  await Promise.all([app.close(), behind.close()]);
  await Promise.all([near.stop(), far.stop()]);
});

test('deadline and trace go on over two hops and two transports, and the deadline shrinks', async () => {
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
  const deadline = performance.now() + 9_000;
  const { output } = await app.execute({ input: 'go' }, { deadline, trace: { traceparent } });
  assert.equal(output, 'so far');
  const last = seen.at(-1);
  // Whole milliseconds are sent, rounded down at each hop.
  assert.ok(last !== undefined && last.leftMs > 5_000 && last.leftMs < 9_000, `${last?.leftMs} ms`);
  assert.equal(last.traceparent?.split('-')[1], traceparent.split('-')[1]);
});

test('leaving at the one end breaks off the run at the other', async () => {
  for await (const event of app.stream({ input: 'wait' })) {
    assert.equal(event.chunk?.text, 'so far');
    break;
  }
  await until(() => seen.at(-1)?.aborted !== undefined, 'the far run is broken off');
  assert.ok(seen.at(-1)?.aborted instanceof AgentError);
});

test('cancelling at the one end breaks off the run at the other', async () => {
  const controller = new AbortController();
  const count = seen.length;
  const call = app.execute({ input: 'wait' }, { signal: controller.signal });
  await until(() => seen.length > count, 'the far run');
  controller.abort();
  await assert.rejects(call, { code: 'cancelled' });
  await until(() => seen.at(-1)?.aborted !== undefined, 'the far run is broken off');
});

test('a failure at the far end is there as the cause', async () => {
  await assert.rejects(app.execute({ input: 'fail' }), (error) => {
    assert.ok(error instanceof AgentError);
    assert.equal(error.message, 'the relay could not do it');
    assert.ok(error.cause instanceof AgentError);
    assert.equal(error.cause.code, 'conflict');
    assert.equal(error.cause.message, 'far away');
    return true;
  });
  await assert.rejects(
    async () => {
      for await (const _event of app.stream({ input: 'fail' }));
    },
    { code: 'conflict', message: 'far away' },
  );
});
