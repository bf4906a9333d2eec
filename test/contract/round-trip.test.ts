import assert from 'node:assert/strict';
import { test } from 'node:test';
import { equals, fromJson, type JsonValue } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { codecOf } from '../../src/contract/codec.ts';
import { file_outrider_agent_v1_agent } from '../../src/contract/gen/outrider/agent/v1/agent_pb.ts';
import { jsonOf } from './arbitrary.ts';

for (const desc of file_outrider_agent_v1_agent.messages) {
  const codec = codecOf(desc);

  test(`${desc.name} comes back from binary as it went`, () => {
    fc.assert(
      fc.property(jsonOf(desc), (value) => {
        const json: unknown = JSON.parse(JSON.stringify(value));
        assert.equal(codec.check(json), json);
        assert.deepEqual(codec.checkReply(json), json);
        assert.deepEqual(codec.fromMessage(codec.toMessage(json as object)), json);
        assert.deepEqual(codec.decode(codec.encode(json as object)), json);
      }),
      { numRuns: 300 },
    );
  });

  test(`${desc.name} is the message that protobuf makes of its JSON`, () => {
    fc.assert(
      fc.property(jsonOf(desc), (value) => {
        const json = JSON.parse(JSON.stringify(value)) as JsonValue;
        const theirs = fromJson(desc, json);
        assert.ok(equals(desc, codec.toMessage(json as object), theirs));
      }),
      { numRuns: 300 },
    );
  });
}
