import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { finish } from './steps.ts';
import { textsOf } from './texts.ts';

const of = (text: string, type?: string): string[] => finish(textsOf(Buffer.from(text), type));

describe('the texts of a body', () => {
  it('are the strings, keys and numbers of JSON, decoded, in order', () => {
    const body = String.raw`{"a":"x\u0040y","b\n":[1.50,true,null,"",{"c":"d"}]}`;
    for (const type of ['application/json', undefined, 'text/plain']) {
      assert.deepEqual(of(body, type), ['a', 'x@y', 'b\n', '1.50', 'c', 'd'], type ?? 'no type');
    }
    assert.deepEqual(of('{"a":1}\n{"b":2}\n', 'application/x-ndjson'), ['a', '1', 'b', '2']);
  });

  it('are the names and values of forms, decoded', () => {
    assert.deepEqual(of('a=b%40c&d+e=&f=%C3%A9', 'application/x-www-form-urlencoded'), ['a', 'b@c', 'd e', 'f', 'é']);
  });

  it('are the headers and contents of parts, without files that are binary', () => {
    const lines = [
      '--b',
      'Content-Disposition: form-data; name="j"',
      'Content-Type: application/json',
      '',
      '{"k":"v"}',
      '--b',
      'Content-Disposition: form-data; name="f"; filename="x.png"',
      'Content-Type: image/png',
      '',
      '\u0000\u0001\u0002',
      '--b--',
      '',
    ];
    assert.deepEqual(of(lines.join('\r\n'), 'multipart/form-data; boundary=b'), [
      'Content-Disposition: form-data; name="j"\r\nContent-Type: application/json',
      'k',
      'v',
      'Content-Disposition: form-data; name="f"; filename="x.png"\r\nContent-Type: image/png',
    ]);
  });

  it('are all of what is plain text, or not what it claims to be', () => {
    assert.deepEqual(of('hello {', 'text/plain'), ['hello {']);
    assert.deepEqual(of('{"a": tru', 'application/json'), ['{"a": tru']);
    assert.deepEqual(of('no parts', 'multipart/mixed; boundary=b'), ['no parts']);
  });

  it('are none of what is empty or binary, unless it is text after all', () => {
    assert.deepEqual(of('', 'text/plain'), []);
    assert.deepEqual(of('\u0000\u0001', 'image/png'), []);
    assert.deepEqual(of('{"a":"b"}', 'image/png'), ['a', 'b']);
  });

  it('leave no string of JSON out', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'grapheme', minLength: 1 })), (strings) => {
        assert.deepEqual(of(JSON.stringify(strings), 'application/json'), strings);
      }),
    );
  });
});
