import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Code, ConnectError, createClient, type Transport } from '@connectrpc/connect';
import { createConnectTransport, createGrpcTransport, createGrpcWebTransport } from '@connectrpc/connect-node';
import { AgentError } from '../../src/contract/agent-error.ts';
import { AgentService, ErrorSchema } from '../../src/contract/gen/outrider/agent/v1/agent_pb.ts';
import { hostFor } from '../support/host.ts';
import { type Outrider, startOutrider, TOKEN } from '../support/outrider.ts';

const CARD = '4111 1111 1111 1111';
const CONFIG = `guardrails:
  - { name: no-bomb, type: keyword, pattern: "bomb", action: block }
`;

const ends: (() => Promise<void> | void)[] = [];
let outrider: Outrider;
/** Inputs that reached the agent. */
const inputs: string[] = [];

before(async () => {
  const host = await hostFor(
    { after: (end: () => Promise<void>) => ends.push(end) },
    {
      env: { AGENT_AUTH_TOKEN: undefined, OUTRIDER_ALLOW_NO_AUTH: '1' },
      agents: [
        {
          id: 'echo',
          async execute({ input }) {
            inputs.push(input);
            if (input.startsWith('fail'))
              throw new AgentError('agent_failed', `no: ${CARD}`, { details: { note: CARD } });
            return { output: input === 'say' ? `it is ${CARD}` : input };
          },
          async *stream({ input }) {
            inputs.push(input);
            for (const character of input === 'say' ? `it is ${CARD}.` : input === 'threat' ? 'fine. a bomb.' : input) {
              yield { chunk: { text: character } };
            }
            yield {
              done: { output: 'ok', token_count: 0, execution_time_ms: 0, loop_count: 0, stop_reason: 'completed' },
            };
          },
        },
      ],
    },
  );
  outrider = await startOutrider({ agentUrl: host.url, config: CONFIG });
});
after(async () => {
  await outrider?.stop();
  for (const end of ends.toReversed()) await end();
});

function transports(): Record<string, Transport> {
  const common = {
    baseUrl: outrider.inbound,
    interceptors: [
      (next: Parameters<NonNullable<Parameters<typeof createGrpcTransport>[0]['interceptors']>[number]>[0]) =>
        (request: Parameters<typeof next>[0]) => {
          request.header.set('authorization', `Bearer ${TOKEN}`);
          return next(request);
        },
    ],
  };
  return {
    gRPC: createGrpcTransport(common),
    'gRPC, JSON': createGrpcTransport({ ...common, useBinaryFormat: false }),
    'gRPC-Web': createGrpcWebTransport({ ...common, httpVersion: '1.1' }),
    'gRPC-Web, JSON, HTTP/2': createGrpcWebTransport({ ...common, httpVersion: '2', useBinaryFormat: false }),
    Connect: createConnectTransport({ ...common, httpVersion: '1.1', useBinaryFormat: true }),
    'Connect, JSON': createConnectTransport({ ...common, httpVersion: '1.1' }),
    'Connect, HTTP/2': createConnectTransport({ ...common, httpVersion: '2', useBinaryFormat: true }),
  };
}

const NAMES = [
  'gRPC',
  'gRPC, JSON',
  'gRPC-Web',
  'gRPC-Web, JSON, HTTP/2',
  'Connect',
  'Connect, JSON',
  'Connect, HTTP/2',
];

describe('the guard before an agent of the contract', () => {
  for (const name of NAMES) {
    const clientOf = () => createClient(AgentService, transports()[name] ?? assert.fail());

    test(`${name}: requests and replies are redacted`, async () => {
      const client = clientOf();
      const long = 'x. '.repeat(2000);
      for (const text of ['clean', `card ${CARD}`, `${long}${CARD}`]) {
        inputs.length = 0;
        const { output } = await client.execute({ agentId: 'echo', input: text });
        const expected = text.replace(CARD, '[REDACTED-CC]');
        assert.deepEqual(inputs, [expected]);
        assert.equal(output, expected);
      }
      assert.equal((await client.execute({ agentId: 'echo', input: 'say' })).output, 'it is [REDACTED-CC]');
    });

    test(`${name}: a stream of single characters is redacted`, async () => {
      let output = '';
      let isDone = false;
      for await (const { event } of clientOf().executeStream({ agentId: 'echo', input: 'say' })) {
        if (event.case === 'chunk') output += event.value.text;
        if (event.case === 'done') isDone = true;
      }
      assert.equal(output, 'it is [REDACTED-CC].');
      assert.ok(isDone);
    });

    test(`${name}: what is blocked is denied, before the agent and in the middle of its answer`, async () => {
      const client = clientOf();
      inputs.length = 0;
      await assert.rejects(client.execute({ agentId: 'echo', input: 'a bomb' }), isDenied);
      const blocked = async (input: string): Promise<string> => {
        let output = '';
        try {
          for await (const { event } of client.executeStream({ agentId: 'echo', input })) {
            if (event.case === 'chunk') output += event.value.text;
          }
        } catch (error) {
          assert.ok(isDenied(error), String(error));
          return output;
        }
        throw new Error('ended well');
      };
      assert.equal(await blocked('a bomb'), '');
      assert.deepEqual(inputs, []);
      const before = await blocked('threat');
      assert.doesNotMatch(before, /bomb/);
    });

    test(`${name}: an error of the agent is redacted, message and details`, async () => {
      await assert.rejects(clientOf().execute({ agentId: 'echo', input: 'fail' }), (thrown) => {
        const error = ConnectError.from(thrown);
        assert.equal(error.rawMessage, 'no: [REDACTED-CC]');
        const [detail] = error.findDetails(ErrorSchema);
        assert.equal(detail?.message, 'no: [REDACTED-CC]');
        assert.equal(detail?.details?.['note'], '[REDACTED-CC]');
        return true;
      });
    });
  }
});

function isDenied(thrown: unknown): boolean {
  const error = ConnectError.from(thrown);
  assert.equal(error.code, Code.PermissionDenied, String(thrown));
  assert.equal(error.rawMessage, 'blocked by guardrail no-bomb');
  assert.equal(error.findDetails(ErrorSchema)[0]?.code, 'blocked');
  return true;
}
