import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SseData } from './sse-data.ts';

function events(chunks: readonly string[]): [string, boolean][] {
  const out: [string, boolean][] = [];
  let text = '';
  const data = new SseData({
    write: (bytes, from, to) => {
      text += Buffer.from(bytes.subarray(from, to)).toString('latin1');
    },
    end: (isDone) => {
      out.push([text, isDone]);
      text = '';
    },
  });
  for (const chunk of chunks) data.write(Buffer.from(chunk));
  data.end();
  return out;
}

const STREAM = [
  ': comment\n\n',
  'event: a\ndata: {"x":1}\n\n',
  'data:first\ndata:  second\nid: 7\n\n',
  'datum: no\ndat\n\n',
  'data: [DONE]\n\n',
  'data: last',
].join('');
const EXPECTED: [string, boolean][] = [
  ['{"x":1}', false],
  ['first\n second', false],
  ['[DONE]', true],
  ['last', false],
];

test('data lines of events, however the bytes are cut and lines are ended', () => {
  for (const end of ['\n', '\r\n', '\r']) {
    const text = STREAM.replaceAll('\n', end);
    assert.deepEqual(
      events([text]),
      EXPECTED.map(([data, done]) => [data, done]),
      JSON.stringify(end),
    );
    assert.deepEqual(events(text.split('')), EXPECTED, JSON.stringify(end));
  }
});
