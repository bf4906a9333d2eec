import assert from 'node:assert/strict';
import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises';
import { LineReader } from './line-reader.ts';

test('lines come in order, at most 64 in a turn of the event loop', async () => {
  const source = new PassThrough();
  const lines: number[] = [];
  const reader = new LineReader(source, {
    limit: 100,
    onLine: (line) => lines.push(Number(line.toString())),
    pauseMs: () => 0,
  });
  const numbers = Array.from({ length: 1_000 }, (_, index) => index);
  source.end(`${numbers.join('\n')}\n`);
  await once(source, 'resume');
  for (let before = lines.length; lines.length < 1_000; before = lines.length) {
    await turn();
    assert.ok(lines.length - before <= 64, `${lines.length - before} in a turn`);
  }
  await reader.drained();
  assert.deepEqual(lines, numbers);
});

test('a pause holds up the writer, also when the stream is resumed by somebody else; nothing is lost', async () => {
  const source = new PassThrough({ highWaterMark: 1_000 });
  const seen: string[] = [];
  let pause = true;
  const reader = new LineReader(source, {
    limit: 10,
    onLine: (line) => void seen.push(line.toString()),
    pauseMs: () => (pause ? 30 : 0),
  });
  const chunk = 'x\n'.repeat(500);
  source.write(chunk);
  await sleep(5);
  assert.equal(seen.length, 64);
  source.write(chunk);
  source.resume();
  await sleep(5);
  assert.equal(seen.length, 64);
  assert.ok(source.isPaused());
  assert.equal(source.write(chunk), false, 'the writer is told to wait');
  pause = false;
  while (seen.length < 1_500) await sleep(5);
  await reader.drained();
  assert.equal(seen.length, 1_500);
});

test('after stop nothing is handled, and whoever waits is told', async () => {
  const source = new PassThrough();
  let count = 0;
  const reader: LineReader = new LineReader(source, {
    limit: 10,
    onLine: () => {
      if (++count === 10) reader.stop();
    },
    pauseMs: () => 0,
  });
  source.write('x\n'.repeat(500));
  await sleep(20);
  await reader.drained();
  assert.equal(count, 10);
  assert.ok(source.isPaused());
});
