import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { eventMeter } from './sse.ts';

test('an event counts from the last blank line, whatever the line ends', () => {
  for (const end of ['\n', '\r\n', '\r']) {
    const size = eventMeter();
    const event = `data: 1234${end}${end}`;
    const sizes = Array.from({ length: 50 }, () => size(Buffer.from(event)));
    assert.ok(Math.max(...sizes) <= event.length + 1, `${JSON.stringify(end)}: ${Math.max(...sizes)}`);
  }
});

test('an event that does not end grows, and a line end alone does not end it', () => {
  const size = eventMeter();
  assert.equal(size(Buffer.from('data: 1\n')), 8);
  assert.equal(size(Buffer.from('data: 2\n')), 16);
  assert.equal(size(Buffer.from('\n')), 17);
  assert.equal(size(Buffer.from('x')), 1);
});

test('where the chunks are cut makes no difference', () => {
  const text = fc.array(fc.constantFrom('a', '\n', '\r', '\r\n'), { maxLength: 60 }).map((parts) => parts.join(''));
  fc.assert(
    fc.property(text, fc.integer({ min: 1, max: 7 }), (whole, step) => {
      const size = eventMeter();
      let largest = 0;
      for (let i = 0; i < whole.length; i += step)
        largest = Math.max(largest, size(Buffer.from(whole.slice(i, i + step))));
      assert.equal(largest, eventMeter()(Buffer.from(whole)));
    }),
  );
});
