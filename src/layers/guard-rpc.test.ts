import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { readBody } from '../body.ts';
import { OutriderError } from '../errors.ts';
import { JsonRpcError } from '../protocols/jsonrpc.ts';
import { RpcId } from './guard-rpc.ts';
import { idPlace } from './guard-rpc-id.ts';

const idOf = (text: string): string | undefined => {
  const place = idPlace(text);
  return place === undefined ? undefined : text.slice(...place);
};

describe('the place of an id', () => {
  test('is that of the member of the outermost object, the last one', () => {
    for (const [text, id] of [
      ['{"id":7}', '7'],
      [' { "a" : {"id":1}, "id" : "x\\"y" , "b":[{"id":2}] } ', '"x\\"y"'],
      ['{"id":1,"id":98765432109876543210}', '98765432109876543210'],
      ['{"\\u0069d":null}', 'null'],
      ['{"a":"\\"id\\":5","id":-1.5e3}', '-1.5e3'],
      ['{"id":{"id":1}}', undefined],
      ['{"id":true}', undefined],
      ['[{"id":1}]', undefined],
      ['{"params":{"id":1}}', undefined],
      ['{"id":"never ends', undefined],
      ['', undefined],
    ] as const) {
      assert.equal(idOf(text), id, text);
    }
  });

  test('is found in any JSON', () => {
    const id = fc.oneof(fc.string(), fc.integer(), fc.constant(null));
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 4 })), id, (others, id) => {
        const { id: _, ...rest } = others;
        const text = JSON.stringify({ ...rest, id });
        assert.deepEqual(JSON.parse(idOf(text) ?? 'missing'), JSON.parse(JSON.stringify(id)));
      }),
    );
  });
});

describe('an id in which a rule finds something', () => {
  const before = Buffer.from('{"id":"a@b.io","x":"a@b.io"}');
  const after = Buffer.from('{"id":"[R]","x":"[R]"}');

  test('is another one on the other side, and the caller’s own in what comes back, however that is cut', async () => {
    const rpc = new RpcId();
    const sent = rpc.amend(before, after).toString();
    const standIn = JSON.stringify(JSON.parse(sent).id);
    assert.equal(JSON.parse(sent).x, '[R]');
    assert.match(standIn, /^"outrider-[0-9a-f-]{36}"$/);
    const reply = `data: {"id":${standIn},"a":"\u00fc"}\n\ndata: {"id":${standIn}}\n\n`;
    const expected = reply.replaceAll(standIn, '"a@b.io"');
    assert.equal(Buffer.from(await readBody(rpc.restoredBody(Buffer.from(reply)) ?? null, 1e6)).toString(), expected);
    for (const size of [1, 2, 5, 17, 40, 1000]) {
      const chunks = async function* (): AsyncGenerator<Uint8Array> {
        const bytes = Buffer.from(reply);
        for (let i = 0; i < bytes.length; i += size) yield bytes.subarray(i, i + size);
      };
      const body = await readBody(rpc.restoredBody(chunks()) ?? null, 1e6);
      assert.equal(Buffer.from(body).toString(), expected, String(size));
    }
    const error = rpc.restoredError(new JsonRpcError(new OutriderError('timeout', 'late'), standIn));
    assert.ok(error instanceof JsonRpcError);
    assert.deepEqual([error.idText, error.code, error.rpcCode], ['"a@b.io"', 'timeout', -32_012]);
  });

  test('any other id stays, and nothing is looked for in replies', () => {
    const rpc = new RpcId();
    const same = Buffer.from('{"id":7,"x":"[R]"}');
    assert.equal(rpc.amend(Buffer.from('{"id":7,"x":"a@b.io"}'), same), same);
    assert.equal(rpc.restoredBody(Buffer.from('x')), undefined);
    rpc.keep(Buffer.from('{"id":"\u00fc"}'));
    assert.equal(rpc.text, '"\u00fc"');
    assert.equal(new RpcId().text, 'null');
  });
});
