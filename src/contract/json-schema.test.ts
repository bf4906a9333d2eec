import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DescMessage } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { jsonOf } from '../../test/contract/arbitrary.ts';
import { satisfies } from '../../test/contract/satisfies.ts';
import { codecOf } from './codec.ts';
import { COMMENTS } from './gen/comments.ts';
import {
  ExecuteReplySchema,
  ExecuteRequestSchema,
  file_outrider_agent_v1_agent,
  JobSchema,
  PartSchema,
  RegisterAgentRequestSchema,
} from './gen/outrider/agent/v1/agent_pb.ts';
import { contractJsonSchema, type JsonSchema as Schema } from './json-schema.ts';
import { checkExecuteRequest, checkRegisterAgentRequest } from './request.ts';

const { messages } = file_outrider_agent_v1_agent;
const published = contractJsonSchema();

/** What the published document says of a message. */
function schemaOf(message: DescMessage): Schema {
  const schema = published.$defs[message.name];
  assert.ok(schema, message.name);
  return schema;
}

test('every message has a schema that describes it and each of its members', () => {
  for (const message of messages) {
    const schema = schemaOf(message);
    assert.deepEqual(
      Object.keys(schema['properties'] as object),
      message.fields.map(({ jsonName }) => jsonName),
    );
    assert.equal(schema['description'], COMMENTS.get(message.typeName));
  }
});

test('a description of the member goes before that of its type', () => {
  const { properties } = schemaOf(JobSchema) as { properties: Record<string, Schema> };
  assert.deepEqual(properties['result'], { $ref: '#/$defs/ExecuteReply', description: 'Of a completed job.' });
});

test('open sets are not closed by the schema', () => {
  const { properties } = schemaOf(ExecuteReplySchema) as { properties: Record<string, Schema> };
  assert.deepEqual(properties['stop_reason']?.['examples'], ['completed', 'max_loops', 'stop_word', 'timeout']);
  assert.equal(JSON.stringify(published).includes('"enum"'), false);
});

const NAMES = [...new Set(messages.flatMap(({ fields }) => fields.map(({ jsonName }) => jsonName))), 'newer'];

/** Values near what the messages have: right ones, wrong ones, and members that are not known. */
const VALUES = fc.letrec<{ value: unknown; object: object }>((tie) => ({
  object: fc.dictionary(fc.constantFrom(...NAMES), tie('value'), { maxKeys: 6 }),
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constantFrom<unknown>('', 'a', 'aGk=', '-', 'http://a', 'completed', 0, 1, -1, 1.5, 2 ** 32, true, null),
    fc.constantFrom('2026-11-20T19:00:00Z', 'k'.repeat(200), '2026'),
    tie('object'),
    fc.array(tie('value'), { maxLength: 3 }),
  ),
})).object;

/** The checks that are made of the same descriptors and rules. */
const CHECKS: readonly [DescMessage, (value: unknown) => unknown][] = [
  [ExecuteRequestSchema, checkExecuteRequest],
  [RegisterAgentRequestSchema, checkRegisterAgentRequest],
  ...[ExecuteReplySchema, PartSchema, JobSchema].map((desc): [DescMessage, (value: unknown) => unknown] => [
    desc,
    (value) => codecOf(desc).check(value),
  ]),
];

const BASES: Record<string, object> = {
  ExecuteRequest: { input: 'a', timeout_seconds: 1, agent_id: 'a', idempotency_key: 'a' },
  RegisterAgentRequest: { id: 'a', url: 'http://a', remote_id: 'a' },
};

for (const [desc, check] of CHECKS) {
  test(`the schema of ${desc.name} says of a value what the check says`, () => {
    const schema = schemaOf(desc);
    const verdicts = { true: 0, false: 0 };
    const base = BASES[desc.name];
    const near = fc
      .tuple(jsonOf(desc), fc.oneof(fc.constant({}), VALUES))
      .map(([right, wrong]) => ({ ...right, ...base, ...wrong }));
    fc.assert(
      fc.property(fc.oneof(VALUES, near), (value: object) => {
        let fits = true;
        try {
          check(value);
        } catch {
          fits = false;
        }
        // A text that is empty is none, for binary cannot say it otherwise: the one thing that a schema cannot say of a pattern.
        fc.pre(!['agent_id', 'idempotency_key', 'remote_id'].some((name) => Reflect.get(value, name) === ''));
        verdicts[`${fits}`]++;
        assert.equal(satisfies(value, schema, published), fits);
      }),
      { numRuns: 3_000 },
    );
    // Both were asked for often enough to say something.
    assert.ok(verdicts.true > 100 && verdicts.false > 100, JSON.stringify(verdicts));
  });
}
