import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import { test } from 'node:test';
import fc from 'fast-check';
import { namedLines } from '../../../src/cli/deploy/local/named-lines.ts';

interface Taken {
  readonly stream: Writable;
  readonly writes: string[];
  text(): string;
}

function taken(isTTY = false): Taken {
  const writes: string[] = [];
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      writes.push(chunk.toString());
      done();
    },
  });
  return {
    stream: Object.assign(stream, isTTY ? { isTTY, getColorDepth: () => 8 } : {}),
    writes,
    text: () => writes.join(''),
  };
}

test('each line stands behind the name of who wrote it, on the stream it was written to', async () => {
  const [out, err] = [taken(), taken()];
  const lines = namedLines({ stdout: out.stream, stderr: err.stream });
  lines.agent.push('stdout', Buffer.from('one\ntwo\r\n'));
  lines.agent.push('stderr', Buffer.from('oh\n'));
  lines.log.write('ready\n');
  assert.equal(out.text(), 'agent    | one\nagent    | two\n');
  assert.equal(err.text(), 'agent    | oh\noutrider | ready\n');
});

test('a line that comes in parts goes out as one; the last needs no end', async () => {
  const out = taken();
  const lines = namedLines({ stdout: out.stream, stderr: out.stream });
  lines.agent.push('stdout', Buffer.from('half '));
  lines.log.write('meanwhile\n');
  lines.agent.push('stdout', Buffer.from('a line\nand no end'));
  lines.agent.end('stdout');
  lines.agent.end('stderr');
  await lines.ended;
  assert.equal(out.text(), 'outrider | meanwhile\nagent    | half a line\nagent    | and no end\n');
});

test('a line without an end is held to 64 KiB, and its rest is left out', () => {
  const out = taken();
  const lines = namedLines({ stdout: out.stream, stderr: out.stream });
  for (let part = 0; part < 100; part++) lines.agent.push('stdout', Buffer.alloc(10_000, 'x'));
  lines.agent.push('stdout', Buffer.from('\nnext\n'));
  assert.equal(out.text(), `agent    | ${'x'.repeat(65_536)} … (the rest of this line is left out)\nagent    | next\n`);
});

test('however it is cut into chunks, no line is split and no other gets into it', () => {
  const line = fc.string({ unit: 'binary', maxLength: 30 }).map((text) => text.replace(/[\n\r]/g, ' '));
  fc.assert(
    fc.property(fc.array(line), fc.array(line), fc.integer({ min: 1, max: 9 }), (agent, log, size) => {
      const out = taken();
      const lines = namedLines({ stdout: out.stream, stderr: out.stream });
      const bytes = Buffer.from(agent.map((text) => `${text}\n`).join(''));
      for (let at = 0; at < Math.max(bytes.length, log.length); at += size) {
        lines.agent.push('stdout', bytes.subarray(at, at + size));
        for (const text of log.slice(at, at + size)) lines.log.write(`${text}\n`);
      }
      const got = out.text().split('\n').slice(0, -1);
      const of = (name: string) => got.filter((text) => text.startsWith(name)).map((text) => text.slice(11));
      assert.deepEqual(of('agent    | '), agent);
      assert.deepEqual(of('outrider | '), log);
      assert.equal(got.length, agent.length + log.length);
    }),
  );
});

test('a reader that is slow makes the agent wait', () => {
  const stream = new Writable({ write: () => undefined, highWaterMark: 1 });
  const lines = namedLines({ stdout: stream, stderr: stream });
  const line = Buffer.from(`${'x'.repeat(1000)}\n`);
  assert.equal(lines.agent.push('stdout', line), 0);
  let pause = 0;
  for (let count = 0; count < 2000; count++) pause = lines.agent.push('stdout', line);
  assert.ok(pause > 0);
});

test('names have colours on a terminal, unless NO_COLOR is set', (t) => {
  const before = { ...process.env };
  t.after(() => {
    process.env = before;
  });
  for (const name of ['NO_COLOR', 'FORCE_COLOR', 'NODE_DISABLE_COLORS']) delete process.env[name];
  const [screen, file] = [taken(true), taken()];
  const lines = namedLines({ stdout: screen.stream, stderr: file.stream });
  lines.agent.push('stdout', Buffer.from('x\n'));
  lines.agent.push('stderr', Buffer.from('x\n'));
  assert.equal(screen.text(), '\u001B[36magent    |\u001B[39m x\n');
  assert.equal(file.text(), 'agent    | x\n');
  assert.equal(lines.log.isTTY, undefined);
});
