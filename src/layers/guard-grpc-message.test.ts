import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import {
  errorCodec,
  executeEventCodec,
  executeReplyCodec,
  executeRequestCodec,
  jobCodec,
  listAgentsReplyCodec,
} from '../contract/codec.ts';
import { finish } from '../guardrails/steps.ts';
import { changedMessage, messageToJson, messageToJsonNow } from './guard-grpc-message.ts';
import { methodOf, type Shape, shapeOfType, UNKNOWN } from './guard-grpc-shapes.ts';
import { WireFault } from './guard-grpc-wire.ts';

const REQUEST = methodOf('execute').input;

function toJson(bytes: Uint8Array, shape: Shape): unknown {
  return JSON.parse(Buffer.from(messageToJsonNow(bytes, shape)).toString());
}

/** The message in which these texts of its JSON are others. */
function changed(bytes: Uint8Array, shape: Shape, edit: (json: string) => string): Uint8Array {
  const before = messageToJsonNow(bytes, shape);
  const after = Buffer.from(edit(Buffer.from(before).toString()));
  return finish(changedMessage(bytes, shape, before, after));
}

const text = fc.string({ unit: 'binary', maxLength: 12 }).map((value) => value.toWellFormed());
const notEmpty = text.filter((value) => value !== '');
const value = fc.letrec((tie) => ({
  any: fc.oneof(
    { maxDepth: 3 },
    text,
    fc.double({ noNaN: true, noDefaultInfinity: true }).map((number) => (number === 0 ? 0 : number)),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie('any'), { maxLength: 3 }),
    fc.dictionary(text, tie('any'), { maxKeys: 3, noNullPrototype: true }),
  ),
})).any;
// The order of names that look like numbers is another in an object.
const object = fc.dictionary(
  text.filter((key) => !/^\d+$/.test(key) && key !== '__proto__'),
  value,
  { maxKeys: 3, noNullPrototype: true },
);
const part = fc.oneof(
  fc.record({ text }),
  fc.record({ url: text, media_type: notEmpty }),
  fc.record({ json: object, name: notEmpty }),
);
const request = fc.record(
  {
    agent_id: notEmpty,
    input: notEmpty,
    timeout_seconds: fc.double({ min: 0.001, max: 1e9, noNaN: true }),
    parts: fc.array(part, { minLength: 1, maxLength: 3 }),
    session_id: notEmpty,
    context: object,
    metadata: fc.dictionary(notEmpty, text, { minKeys: 1, maxKeys: 3, noNullPrototype: true }),
  },
  { requiredKeys: ['input'] },
);

describe('a message as JSON', () => {
  test('is the JSON that it has on HTTP', () => {
    fc.assert(
      fc.property(request, (sent) => {
        const bytes = executeRequestCodec.encode(sent as never);
        assert.deepEqual(toJson(bytes, REQUEST), JSON.parse(JSON.stringify(executeRequestCodec.decode(bytes))));
      }),
    );
  });

  test('of every message that has text', () => {
    const reply = {
      output: 'o',
      token_count: 4_294_967_295,
      execution_time_ms: 2,
      loop_count: 3,
      stop_reason: 'completed',
      artifacts: [{ name: 'n', description: 'd', parts: [{ text: 't' }] }],
      usage: [{ model: 'm', provider: 'p', input_tokens: 1, output_tokens: 2, cost_usd: 0.25 }],
      session_id: 's',
      metadata: { a: 'b' },
    };
    const error = { code: 'x', message: 'm', details: { retryable: true, cause: { code: 'y', message: 'z' } } };
    const job = { job_id: 'j', agent_id: 'a', status: 'failed', result: reply, error };
    const agents = { agents: [{ id: 'a', name: 'n', model: 'm', description: 'd' }] };
    const cases: [bytes: Uint8Array, shape: Shape, json: unknown][] = [
      [executeReplyCodec.encode(reply), methodOf('execute').output, reply],
      [executeEventCodec.encode({ chunk: { text: 'x' } }), methodOf('executestream').output, { chunk: { text: 'x' } }],
      [executeEventCodec.encode({ done: reply }), methodOf('executestream').output, { done: reply }],
      [jobCodec.encode(job), methodOf('getjob').output, job],
      [listAgentsReplyCodec.encode(agents), methodOf('listagents').output, agents],
      [errorCodec.encode(error), shapeOfType('type.googleapis.com/outrider.agent.v1.Error'), error],
    ];
    for (const [bytes, shape, json] of cases) assert.deepEqual(toJson(bytes, shape), json);
    const at = { ...job, created_at: '2026-02-03T04:05:06.5Z', finished_at: '1969-12-31T23:59:59Z' };
    assert.deepEqual(toJson(jobCodec.encode(at), methodOf('getjob').output), {
      ...at,
      created_at: '2026-02-03T04:05:06.500000000Z',
    });
  });

  test('any bytes are read, or refused in one way', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        for (const shape of [REQUEST, UNKNOWN]) {
          try {
            const before = messageToJsonNow(bytes, shape);
            JSON.parse(Buffer.from(before).toString());
            assert.equal(finish(changedMessage(bytes, shape, before, before)), bytes);
          } catch (error) {
            assert.ok(error instanceof WireFault, String(error));
          }
        }
      }),
      { numRuns: 1000 },
    );
  });

  test('what is read, another reader reads in the same way', () => {
    fc.assert(
      fc.property(request, fc.nat(), fc.nat(255), (sent, at, byte) => {
        const bytes = Buffer.from(executeRequestCodec.encode(sent as never));
        bytes[at % bytes.length] = byte;
        let json: { input?: string; agent_id?: string };
        try {
          json = toJson(bytes, REQUEST) as typeof json;
        } catch (error) {
          assert.ok(error instanceof WireFault, String(error));
          return;
        }
        const { input, agent_id } = executeRequestCodec.decode(bytes);
        assert.deepEqual([json.input ?? '', json.agent_id ?? ''], [input ?? '', agent_id ?? '']);
      }),
      { numRuns: 1000 },
    );
  });

  test('what would grow without measure is refused', () => {
    const many = Buffer.alloc(400_000);
    for (let i = 0; i < many.length; i += 2) many[i] = 0x22;
    const bytes = Buffer.concat([Buffer.from([0xf2, 0x01, 0x80, 0xb5, 0x18]), many]);
    assert.throws(() => messageToJsonNow(bytes, REQUEST), WireFault);
  });

  test('a large one is read in steps', () => {
    const many = Buffer.alloc(400_000);
    for (let i = 0; i < many.length; i += 2) many[i] = 0x22;
    const piece = Buffer.from([0x32, 14, ...Buffer.from('fourteen bytes')]);
    const inside = Buffer.concat([Buffer.from([0xf2, 0x01, 0x80, 0xb5, 0x18]), Buffer.alloc(400_000, piece)]);
    for (const bytes of [many, inside]) {
      const steps = messageToJson(bytes, REQUEST);
      let count = 0;
      while (!steps.next().done) count++;
      assert.ok(count >= 8, `${count} steps`);
    }
  });
});

describe('a message that is changed', () => {
  test('has the new texts, and everything else', () => {
    fc.assert(
      fc.property(request, fc.string({ maxLength: 300 }), (sent, put) => {
        const now = put.toWellFormed();
        const bytes = executeRequestCodec.encode({ ...sent, input: '<mark>' } as never);
        const got = changed(bytes, REQUEST, (json) =>
          json.replace('"input":"<mark>"', () => `"input":${JSON.stringify(now)}`),
        );
        assert.deepEqual(
          executeRequestCodec.decode(got),
          executeRequestCodec.decode(executeRequestCodec.encode({ ...sent, input: now } as never)),
        );
      }),
    );
  });

  test('deep inside, lengths are right', () => {
    const long = 'y'.repeat(20_000);
    const sent = {
      agent_id: 'a',
      input: 'x',
      context: { a: { b: ['<mark>', { c: '<mark>' }] } },
      metadata: { '<mark>': 'v' },
    };
    const got = changed(executeRequestCodec.encode(sent), REQUEST, (json) => json.replaceAll('<mark>', long));
    assert.deepEqual(executeRequestCodec.decode(got), JSON.parse(JSON.stringify(sent).replaceAll('<mark>', long)));
  });

  test('a number in free JSON becomes a string; one that has to be a number is left out', () => {
    const sent = { agent_id: 'a', input: 'x', timeout_seconds: 17, context: { n: 17, list: [17] } };
    const got = changed(executeRequestCodec.encode(sent), REQUEST, (json) => json.replaceAll('17', '"X"'));
    assert.deepEqual(executeRequestCodec.decode(got), { agent_id: 'a', input: 'x', context: { n: 'X', list: ['X'] } });
  });

  test('names of fields are no text of it', () => {
    const bytes = executeRequestCodec.encode({ agent_id: 'a', input: 'x' });
    assert.equal(
      changed(bytes, REQUEST, (json) => json.replace('"input"', '"[X]"')),
      bytes,
    );
  });

  test('a field that nobody knows is left out, whole', () => {
    const known = executeRequestCodec.encode({ agent_id: 'a', input: 'x' });
    const unknown = Buffer.from([0xf2, 0x01, 6, 0x0a, 4, ...Buffer.from('mark')]);
    const bytes = Buffer.concat([unknown, known]);
    assert.deepEqual(toJson(bytes, REQUEST), {
      '#30': ['\n\u0004mark', { '#1': ['mark'] }],
      agent_id: 'a',
      input: 'x',
    });
    assert.deepEqual(
      Buffer.from(changed(bytes, REQUEST, (json) => json.replace('["mark"]', '["X"]'))),
      Buffer.from(known),
    );
  });
});
