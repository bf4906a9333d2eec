import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { factsOf } from '../../src/agent/error-facts.ts';
import { AgentError, grpcAgent, httpAgent, type RemoteAgent, type TraceContext } from '../../src/library/agent.ts';
import type { CallSpan } from '../../src/span.ts';
import { startTracing, type Tracing } from '../../src/telemetry/tracing.ts';
import { failure, readStream } from '../support/agent-calls.ts';
import { type HostProcess, hostCommandFor } from '../support/host.ts';
import { http } from '../support/http.ts';
import { type DecodedSpan, type OtlpReceiver, startOtlpReceiver } from '../support/otlp-receiver.ts';
import { type Outrider, startOutrider, TOKEN } from '../support/outrider.ts';
import { until } from '../support/until.ts';
import type { Sight } from './fixtures/chain-agents.ts';

const CARD = '5555 5555 5555 4444';
const HIDDEN = '[REDACTED-CC]';

const ends: (() => unknown)[] = [];
let collector: OtlpReceiver;
let tracing: Tracing;
let host: HostProcess;
let sidecar: Outrider;
let marks = 0;

before(async () => {
  collector = await startOtlpReceiver();
  ends.push(() => collector.close());
  const env = { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, OTEL_BSP_SCHEDULE_DELAY: '50' };
  const log = { enabled: () => false, debug() {}, info() {}, warn() {}, error() {}, child: () => log };
  const started = await startTracing({ env, serviceName: 'application', log });
  assert.ok(started !== undefined);
  tracing = started;
  ends.push(() => tracing.shutdown(1_000));
  host = await hostCommandFor(
    { after: (end) => ends.push(end) },
    {
      args: [join(import.meta.dirname, 'fixtures/chain-agents.ts')],
      env: { ...env, AGENT_AUTH_TOKEN: TOKEN },
    },
  );
  // The guardrails are those that there are without configuration.
  sidecar = await startOutrider({ agentUrl: host.url, config: 'forward_authorization: true', env });
  ends.push(() => sidecar.stop());
});

after(async () => {
  for (const end of ends.toReversed()) await end();
});

const sights = (): Sight[] =>
  host.process.stdout
    .split('\n')
    .filter((line) => line.startsWith('{"saw"'))
    .map((line): Sight => JSON.parse(line));

function sight(saw: Sight['saw'], mark: string): Promise<Sight> {
  return until(() => sights().find((one) => one.saw === saw && one.mark === mark), `the agent has seen the ${saw}`);
}

/** The host's log knows the call by this id. */
function logged(requestId: string): Promise<unknown> {
  return until(
    () => host.logs().some((entry) => entry['request_id'] === requestId),
    `the log says ${requestId}`,
    3_000,
  );
}

const now = (): number => performance.timeOrigin + performance.now();

/** A span of the application, and the context that it gives to its calls. */
function work(): { span: CallSpan; trace: TraceContext } {
  const span = tracing.start('answer a question', 'internal', []);
  const [, traceparent = ''] = span.inject([]);
  return { span, trace: { traceparent } };
}

/** From the application's span to that of the agent's run, each the parent of the next. */
async function line(root: CallSpan, from: string, runs: number): Promise<DecodedSpan[]> {
  const own = (spans: DecodedSpan[]) => spans.filter(({ traceId }) => traceId === root.traceId);
  const all = own(
    await collector.waitFor(
      (spans) =>
        own(spans).filter(({ name }) => name.startsWith('invoke_agent')).length >= runs &&
        own(spans).some(({ name }) => name === 'answer a question'),
    ),
  );
  const found: DecodedSpan[] = [];
  for (let id = from; id !== ''; ) {
    const span = await until(
      () => own(collector.spans()).find(({ spanId }) => spanId === id),
      `span ${id} of ${all.map(({ name }) => name).join(', ')}`,
    );
    found.unshift(span);
    id = span.parentSpanId;
  }
  return found;
}

const shapeOf = (spans: DecodedSpan[]): string[] =>
  spans.map(({ resource, kind }) => `${String(resource['service.name'])} ${kind}`);

describe('application, adapter, sidecar, host, agent', () => {
  for (const [protocol, make] of [
    ['grpc', grpcAgent],
    ['http', httpAgent],
  ] as const) {
    const open: RemoteAgent[] = [];
    const agent = (id: string, token = TOKEN): RemoteAgent => {
      const made = make({ url: sidecar.inbound, id, token, retry: false });
      open.push(made);
      return made;
    };
    after(() => Promise.all(open.map((one) => one.close())));
    const request = (input: string, more: Record<string, string> = {}) => {
      const mark = `${protocol}-${marks++}`;
      return { mark, request: { input, metadata: { mark, ...more } } };
    };

    for (const form of ['execute', 'stream'] as const) {
      test(`${protocol}, ${form}: one trace, and no card gets through in either direction`, async () => {
        const { span, trace } = work();
        const { mark, request: asked } = request(`My card is ${CARD}.`);
        const options = { trace };
        const expected = `My card is ${HIDDEN}. My own card is ${HIDDEN}.`;
        if (form === 'execute') assert.equal((await agent('echo').execute(asked, options)).output, expected);
        else {
          const { text, chunks, done } = await readStream(agent('echo').stream(asked, options));
          assert.deepEqual([text, done.output], [expected, expected]);
          assert.ok(chunks > 20, `it comes as it is made, not in ${chunks} chunks`);
        }
        span.end();
        const seen = await sight('call', mark);
        assert.equal(seen.input, `My card is ${HIDDEN}.`);
        assert.ok(seen.requestId !== undefined && seen.principal !== undefined);
        const [, traceId, runId = ''] = (seen.traceparent ?? '').split('-');
        assert.equal(traceId, span.traceId);
        assert.deepEqual(shapeOf(await line(span, runId, 1)), [
          'application internal',
          'test-agent server',
          'test-agent client',
          'outrider-host server',
          'outrider-host internal',
        ]);
        // Nor into what is told about it.
        const told = [collector.spans(), sidecar.logs(), host.logs()];
        assert.doesNotMatch(
          JSON.stringify(told, (_key, value: unknown) => (typeof value === 'bigint' ? String(value) : value)),
          /5555 5555|4111 1111/,
        );
      });

      test(`${protocol}, ${form}: cancelling reaches the agent`, async () => {
        const { mark, request: asked } = request('wait');
        const stop = new AbortController();
        const call = { signal: stop.signal };
        const failed = failure(
          form === 'execute' ? agent('waiter').execute(asked, call) : readStream(agent('waiter').stream(asked, call)),
        );
        await sight('call', mark);
        const cancelledAt = now();
        stop.abort();
        assert.equal((await failed).code, 'cancelled');
        const { at, reason } = await sight('abort', mark);
        console.log(
          `${protocol}, ${form}: the agent's signal aborted ${(at - cancelledAt).toFixed(1)} ms after the caller's`,
        );
        assert.equal(reason, 'cancelled');
        assert.ok(at - cancelledAt < 1_000, `${at - cancelledAt} ms`);
      });

      test(`${protocol}, ${form}: the deadline is the agent's too`, async () => {
        const { mark, request: asked } = request('wait');
        const begunAt = now();
        const timed = { ...asked, timeout_seconds: 1 };
        const error = await failure(
          form === 'execute' ? agent('waiter').execute(timed) : readStream(agent('waiter').stream(timed)),
        );
        const tookMs = now() - begunAt;
        assert.equal(error.code, 'timeout');
        assert.ok(tookMs >= 999 && tookMs < 2_000, `${tookMs} ms`);
        const { leftMs = 0 } = await sight('call', mark);
        assert.ok(leftMs > 0 && leftMs <= 1_000, `${leftMs} ms are left`);
        const { at, reason } = await sight('abort', mark);
        assert.ok(reason === 'timeout' || reason === 'cancelled', String(reason));
        assert.ok(at - begunAt < 2_000, `${at - begunAt} ms`);
      });

      test(`${protocol}, ${form}: an error of the agent arrives as it was thrown`, async () => {
        const { mark, request: asked } = request('x');
        const error = await failure(
          form === 'execute' ? agent('thrower').execute(asked) : readStream(agent('thrower').stream(asked)),
        );
        assert.deepEqual(
          [error.code, error.message, error.retryable, error.retryAfter, { ...error.details }],
          ['model_used_up', 'no more of it today', true, 42, { left: 0 }],
        );
        const { cause } = error;
        assert.ok(cause instanceof AgentError);
        assert.deepEqual([cause.code, cause.message, cause.cause], ['rate_limited', 'the model said so', undefined]);
        // The id by which the host's log can be searched.
        const { requestId } = await sight('call', mark);
        assert.ok(requestId !== undefined);
        assert.equal(factsOf(error).requestId, requestId);
        await logged(requestId);
      });

      test(`${protocol}, ${form}: a wrong token`, async () => {
        const { mark, request: asked } = request('x');
        const stranger = agent('echo', 'wrong');
        const error = await failure(form === 'execute' ? stranger.execute(asked) : readStream(stranger.stream(asked)));
        assert.deepEqual([error.code, error.retryable], ['unauthenticated', false]);
        assert.equal(
          sights().some((one) => one.mark === mark),
          false,
        );
      });
    }

    test(`${protocol}: leaving a stream reaches the agent`, async () => {
      const { mark, request: asked } = request('wait');
      for await (const event of agent('waiter').stream(asked)) {
        assert.equal(event.chunk?.text, 'begun. ');
        break;
      }
      const leftAt = now();
      const { at, reason } = await sight('abort', mark);
      console.log(`${protocol}: the agent's signal aborted ${(at - leftAt).toFixed(1)} ms after the reader had left`);
      assert.equal(reason, 'cancelled');
      assert.ok(at - leftAt < 1_000);
    });

    test(`${protocol}: an agent that calls another through the sidecar hands on trace and what is left of the time`, async () => {
      const { span, trace } = work();
      const { mark, request: asked } = request('Hello.', { url: sidecar.inbound, protocol });
      const { output } = await agent('relay').execute({ ...asked, timeout_seconds: 5 }, { trace });
      span.end();
      assert.equal(output, `Hello. My own card is ${HIDDEN}.`);
      await sight('call', mark);
      const [first, second] = sights().filter((one) => one.mark === mark);
      assert.ok(first?.leftMs !== undefined && second?.leftMs !== undefined);
      assert.ok(first.leftMs <= 5_000 && first.leftMs > 3_000, `${first.leftMs} ms`);
      assert.ok(second.leftMs <= first.leftMs - 199, `${first.leftMs} ms, then ${second.leftMs} ms`);
      const [, , runId = ''] = (second.traceparent ?? '').split('-');
      const hop = ['test-agent server', 'test-agent client', 'outrider-host server', 'outrider-host internal'];
      assert.deepEqual(shapeOf(await line(span, runId, 2)), ['application internal', ...hop, ...hop]);
    });
  }

  test("a caller's own x-request-id is the agent's, the log's and the reply's", async () => {
    const headers = { Authorization: `Bearer ${TOKEN}`, 'x-request-id': 'mine-1' };
    const reply = await http(`${sidecar.inbound}/v1/agents/echo/execute`, {
      headers,
      body: { input: 'x', metadata: { mark: 'request-id' } },
    });
    assert.deepEqual([reply.status, reply.headers['x-request-id']], [200, 'mine-1']);
    assert.equal((await sight('call', 'request-id')).requestId, 'mine-1');
    await logged('mine-1');
  });
});
