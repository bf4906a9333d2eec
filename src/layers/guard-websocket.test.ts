import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import fc from 'fast-check';
import { type Body, isStream, onBodyEnd } from '../body.ts';
import type { Call, Reply } from '../call.ts';
import { OutriderError } from '../errors.ts';
import type { Fields } from '../fields.ts';
import { PEEK } from '../guardrails/peek.ts';
import { applyMask, buildFrame, closeFrame, FrameReader, OPCODE } from '../protocols/websocket.ts';
import { guardUpgrade, guardWebSocket, withoutExtensions } from './guard-websocket.ts';
import type { Direction, GuardClose, Inspected, WebSocketGuardOptions } from './guard-websocket-options.ts';

const LIMIT = 10_000;
const KEY = 0x9a3c01f7;

/** What two rules would do: one redacts SECRET, one blocks BOMB. */
function judge(bytes: Uint8Array): Inspected {
  const text = Buffer.from(bytes).toString('latin1');
  if (text.includes('BOMB')) return { bytes, blockedBy: 'no-bomb' };
  const changed = text.replaceAll('SECRET', '[REDACTED]');
  return { bytes: changed === text ? bytes : Buffer.from(changed, 'latin1'), blockedBy: undefined };
}

/** A guard and what it has told. */
function guarded(options: Partial<WebSocketGuardOptions> = {}) {
  const inspected: string[] = [];
  const asked: string[] = [];
  const closes: GuardClose[] = [];
  const { inspect = judge, unreadable } = options;
  const socket = guardWebSocket({
    limit: LIMIT,
    onClose: (close) => closes.push(close),
    ...options,
    inspect: (bytes, direction, kind) => {
      inspected.push(`${direction} ${kind} ${Buffer.from(bytes).toString()}`);
      return inspect(bytes, direction, kind);
    },
    unreadable: (reason, direction) => {
      asked.push(`${direction} ${reason}`);
      return unreadable?.(reason, direction) ?? (reason === 'binary' ? 'pass' : 'block');
    },
  });
  return { ...socket, inspected, asked, closes };
}

const maskOf = (direction: Direction): number | undefined => (direction === 'request' ? KEY : undefined);

/** Frames of one message, as its sender would make them. */
function message(
  text: string | Uint8Array,
  { direction = 'request', opcode = OPCODE.text, sizes = [] }: MessageOptions = {},
): Buffer {
  const payload = Buffer.from(text);
  const parts: Buffer[] = [];
  let at = 0;
  for (const size of sizes) parts.push(payload.subarray(at, (at += size)));
  parts.push(payload.subarray(at));
  return Buffer.concat(
    parts.map((part, i) =>
      buildFrame(part, {
        opcode: i === 0 ? opcode : OPCODE.continuation,
        fin: i === parts.length - 1,
        mask: maskOf(direction),
      }),
    ),
  );
}

interface MessageOptions {
  direction?: Direction;
  opcode?: number;
  /** Of the frames before the last. */
  sizes?: readonly number[];
}

const control = (opcode: number, text: string, direction: Direction = 'request'): Uint8Array =>
  opcode === OPCODE.close
    ? closeFrame(1000, text, maskOf(direction))
    : buildFrame(Buffer.from(text), { opcode, mask: maskOf(direction) });

/** Says what frames there are: `text:hello`, `ping:`, `close:1008 blocked by …`; `+` for a message that goes on. */
function tell(bytes: Uint8Array, direction: Direction): string[] {
  const reader = new FrameReader(direction === 'request' ? 'client' : 'server');
  reader.push(bytes);
  const out: string[] = [];
  for (let part = reader.next(); part !== undefined; part = reader.next()) {
    if ('code' in part) return [...out, `fault ${part.reason}`];
    const { frame, payload, left } = part;
    const plain = Buffer.from(applyMask(payload, frame.mask));
    const name = Object.entries(OPCODE).find(([, opcode]) => opcode === frame.opcode)?.[0] ?? '';
    const text =
      frame.opcode === OPCODE.close && plain.length > 0
        ? `${plain.readUInt16BE()} ${plain.subarray(2).toString()}`
        : plain.toString();
    out.push(`${name}${frame.fin ? '' : '+'}:${left > 0 ? `(${left} to come)` : text}`);
  }
  return out;
}

async function* chunked(bytes: Uint8Array, sizes: readonly number[]): AsyncGenerator<Uint8Array> {
  let at = 0;
  for (const size of sizes) yield bytes.subarray(at, (at += size));
  yield bytes.subarray(at);
}

async function collect(body: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** What leaves of these bytes, in one direction. */
async function pass(
  bytes: Uint8Array,
  direction: Direction = 'request',
  sizes: readonly number[] = [],
  options: Partial<WebSocketGuardOptions> = {},
): Promise<Buffer> {
  return collect(guarded(options)[direction](chunked(bytes, sizes)));
}

/** A source that gives what it is given, and tells what became of it. */
function pipe() {
  const queue: Uint8Array[] = [];
  let wake = (): void => {};
  const state = { pulls: 0, isEnded: false, isReturned: false, error: undefined as Error | undefined };
  const iterator: AsyncIterator<Uint8Array> = {
    async next() {
      state.pulls++;
      for (;;) {
        const value = queue.shift();
        if (value !== undefined) return { done: false, value };
        if (state.error !== undefined) throw state.error;
        if (state.isEnded || state.isReturned) return { done: true, value: undefined };
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    },
    async return() {
      state.isReturned = true;
      wake();
      return { done: true, value: undefined };
    },
  };
  const set = (change: Partial<typeof state>): void => {
    Object.assign(state, change);
    wake();
  };
  return {
    state,
    waiting: () => queue.length,
    push: (...chunks: Uint8Array[]) => {
      queue.push(...chunks);
      wake();
    },
    end: () => set({ isEnded: true }),
    fail: (error: Error) => set({ error }),
    body: { [Symbol.asyncIterator]: () => iterator },
  };
}

/** Both directions of one socket, under control of the test. */
function both(options: Partial<WebSocketGuardOptions> = {}) {
  const guard = guarded(options);
  const caller = pipe();
  const agent = pipe();
  const toAgent = guard.request(caller.body)[Symbol.asyncIterator]();
  const toCaller = guard.response(agent.body)[Symbol.asyncIterator]();
  const frames = async (direction: Direction): Promise<string[] | 'end'> => {
    const { done, value } = await (direction === 'request' ? toAgent : toCaller).next();
    return done ? 'end' : tell(value, direction);
  };
  return { ...guard, caller, agent, toAgent, toCaller, frames };
}

/** The same message, in frames of every kind and with pings between them. */
const fragmented = fc.record({
  sizes: fc.array(fc.nat(9), { maxLength: 8 }),
  cuts: fc.array(fc.nat(30), { maxLength: 30 }),
  direction: fc.constantFrom<Direction>('request', 'response'),
});

const CLEAN = 'A text, {"with": ["JSON", 1.0]} – äöü 😀 and nothing in it';

describe('messages', () => {
  test('what is clean passes byte for byte, in whatever frames and chunks it comes', async () => {
    await fc.assert(
      fc.asyncProperty(fragmented, async ({ sizes, cuts, direction }) => {
        const bytes = Buffer.concat([
          message(CLEAN, { direction, sizes }),
          control(OPCODE.ping, 'beat', direction),
          message('', { direction }),
          message(Buffer.of(0, 1, 2, 255), { direction, sizes: sizes.slice(0, 1), opcode: OPCODE.binary }),
          message('x', { direction }),
          control(OPCODE.close, 'bye', direction),
        ]);
        assert.deepEqual(await pass(bytes, direction, cuts), bytes);
      }),
    );
  });

  test('a match is redacted wherever it is split over frames, and leaves as one frame with its length and key', async () => {
    const text = 'my SECRET is out';
    for (const direction of ['request', 'response'] as const) {
      const expected = message('my [REDACTED] is out', { direction });
      for (let first = 0; first <= text.length; first++) {
        for (let second = 0; first + second <= text.length; second += 3) {
          const bytes = message(text, { direction, sizes: [first, second] });
          assert.deepEqual(await pass(bytes, direction), expected);
          assert.deepEqual(
            await pass(
              bytes,
              direction,
              [...bytes].map(() => 1),
            ),
            expected,
          );
        }
      }
    }
    const long = message(`${'a'.repeat(116)}[REDACTED]`, { direction: 'response' });
    assert.equal(long[1], 126);
    assert.deepEqual(await pass(message(`${'a'.repeat(116)}SECRET`, { direction: 'response' }), 'response'), long);
  });

  test('each message is inspected once, whole, and by itself', async () => {
    const guard = guarded();
    const bytes = Buffer.concat([message('SEC', { sizes: [1] }), message('RET', { sizes: [1, 0] })]);
    assert.deepEqual(await collect(guard.request(chunked(bytes, [3, 3]))), bytes);
    assert.deepEqual(guard.inspected, ['request text SEC', 'request text RET']);
    assert.deepEqual(guard.closes, []);
  });

  test('a message is held until it is complete, and what comes between its frames is not', async () => {
    const { caller, toAgent, frames } = both();
    const frame = message('hel', { sizes: [2] });
    const split = 2 + 4 + 2;
    caller.push(frame.subarray(0, split));
    caller.push(control(OPCODE.ping, '1'), control(OPCODE.pong, ''));
    assert.deepEqual(await frames('request'), ['ping:1']);
    assert.deepEqual(await frames('request'), ['pong:']);
    caller.push(frame.subarray(split));
    assert.deepEqual(Buffer.from((await toAgent.next()).value ?? []), frame);
  });

  test('text that is not UTF-8 closes with 1007; a character split over frames is none of that', async () => {
    const sizes = [CLEAN.indexOf('😀') + 5];
    assert.deepEqual(await pass(message(CLEAN, { sizes })), message(CLEAN, { sizes }));
    for (const bytes of [Buffer.of(0xc3), Buffer.of(0x61, 0xff), Buffer.from('eda080', 'hex')]) {
      const out = await pass(Buffer.concat([message('ok'), message(bytes), message('after')]));
      assert.deepEqual(tell(out, 'request'), ['text:ok', 'close:1007 text that is not UTF-8']);
    }
  });

  test('inspections that take their time keep the order, one at a time', async () => {
    let running = 0;
    const inspect = async (bytes: Uint8Array): Promise<Inspected> => {
      assert.equal(++running, 1);
      await turn();
      running--;
      return judge(bytes);
    };
    const bytes = Buffer.concat([message('one SECRET'), control(OPCODE.ping, ''), message('two'), message('3')]);
    const out = tell(await pass(bytes, 'request', [5, 20], { inspect }), 'request');
    assert.deepEqual(out, ['text:one [REDACTED]', 'ping:', 'text:two', 'text:3']);
  });

  test('what was decided leaves before an inspection that takes its time', async () => {
    let finish = (): void => {};
    const inspect = (bytes: Uint8Array): Inspected | Promise<Inspected> =>
      bytes.length < 10
        ? judge(bytes)
        : new Promise((resolve) => {
            finish = () => resolve(judge(bytes));
          });
    const { caller, frames } = both({ inspect });
    caller.push(Buffer.concat([message('short'), message('a longer SECRET'), message('last')]));
    assert.deepEqual(await frames('request'), ['text:short']);
    const next = frames('request');
    await turn();
    finish();
    assert.deepEqual(await next, ['text:a longer [REDACTED]', 'text:last']);
  });

  test('whatever comes, it is the same for any chunks, ends, and nothing leaves that is no WebSocket', async () => {
    const changes = fc.array(fc.tuple(fc.nat(400), fc.nat(255)), { maxLength: 3 });
    const sizes = [0, 5, 1];
    await fc.assert(
      fc.asyncProperty(fragmented, changes, async ({ cuts, direction }, changed) => {
        const bytes = Buffer.concat([
          message(CLEAN, { direction, sizes }),
          control(OPCODE.ping, 'SECRET', direction),
          message('a SECRET', { direction, sizes, opcode: OPCODE.binary }),
          message(Buffer.alloc(200), { direction, opcode: OPCODE.binary }),
          message('a SECRET', { direction, sizes }),
          control(OPCODE.close, 'SECRET', direction),
        ]);
        for (const [at, byte] of changed) bytes[at % bytes.length] = byte;
        const told = tell(await pass(bytes, direction, cuts), direction);
        assert.deepEqual(told, tell(await pass(bytes, direction), direction));
        assert.doesNotMatch(told.join(), /fault/);
        const end = told.findIndex((frame) => frame.startsWith('close'));
        assert.ok(end < 0 || end === told.length - 1);
      }),
      { numRuns: 300 },
    );
  });

  test('very many small messages in one chunk leave others their turn', async () => {
    const bytes = Buffer.concat(Array.from({ length: 5_000 }, () => message('abcd', { direction: 'response' })));
    const pings = Buffer.concat(Array.from({ length: 20_000 }, () => Buffer.from('8900', 'hex')));
    for (const chunk of [bytes, pings]) {
      let turns = 0;
      let timer = setImmediate(function count() {
        turns++;
        timer = setImmediate(count);
      });
      assert.deepEqual(await pass(chunk, 'response'), chunk);
      clearImmediate(timer);
      assert.ok(turns >= 15, `${turns} turns`);
    }
  });
});

describe('what control frames say', () => {
  test('the reason of a Close frame and the text in a ping are inspected, and cut to what there is room for', async () => {
    const long = `SECRET${'é'.repeat(58)}`;
    for (const direction of ['request', 'response'] as const) {
      const bytes = Buffer.concat([control(OPCODE.ping, long, direction), control(OPCODE.close, long, direction)]);
      const out = tell(await pass(bytes, direction), direction);
      assert.deepEqual(out, [`ping:[REDACTED]${'é'.repeat(57)}`, `close:1000 [REDACTED]${'é'.repeat(56)}`]);
    }
    assert.deepEqual(tell(await pass(Buffer.from(control(OPCODE.close, 'a BOMB'))), 'request'), [
      'close:1008 blocked by guardrail no-bomb',
    ]);
    const bad = buildFrame(Buffer.of(3, 232, 0xff), { opcode: OPCODE.close, mask: KEY });
    assert.deepEqual(tell(await pass(bad), 'request'), ['close:1007 text that is not UTF-8']);
  });

  test('pings of bytes pass as they are, Close frames without a reason too', async () => {
    const guard = guarded();
    const bytes = Buffer.concat([
      buildFrame(Buffer.of(0, 1, 2, 3), { opcode: OPCODE.ping, mask: KEY }),
      buildFrame(Buffer.of(3, 232), { opcode: OPCODE.close, mask: KEY }),
    ]);
    assert.deepEqual(await collect(guard.request(chunked(bytes, [1, 2, 3]))), bytes);
    assert.deepEqual(guard.inspected, []);
  });

  test('nothing leaves after a Close frame, neither of a message that was held', async () => {
    const bytes = Buffer.concat([
      message('held', { sizes: [2] }).subarray(0, 8),
      control(OPCODE.close, 'bye'),
      message('more'),
      Buffer.from('garbage'),
    ]);
    const { caller, frames, closes } = both();
    caller.push(bytes, message('later'));
    assert.deepEqual(await frames('request'), ['close:1000 bye']);
    caller.end();
    assert.deepEqual(await frames('request'), 'end');
    assert.deepEqual(closes, []);
    assert.equal(caller.waiting(), 0);
  });

  test('nor is it kept what comes after one', async () => {
    const { caller, frames } = both();
    caller.push(control(OPCODE.close, 'bye'));
    await frames('request');
    const { arrayBuffers } = process.memoryUsage();
    const chunk = Buffer.alloc(2 ** 20);
    const end = frames('request');
    for (let i = 0; i < 100; i++) {
      caller.push(chunk);
      await turn();
    }
    assert.ok(process.memoryUsage().arrayBuffers - arrayBuffers < 50 * 2 ** 20);
    caller.end();
    assert.equal(await end, 'end');
  });
});

describe('binary messages', () => {
  const BINARY = Buffer.concat([Buffer.of(0, 7, 200), Buffer.from('SECRET BOMB')]);

  test('bytes pass as they are, and it is asked once whether they may', async () => {
    const guard = guarded();
    const bytes = Buffer.concat([1, 2, 3].map((size) => message(BINARY, { opcode: OPCODE.binary, sizes: [size] })));
    assert.deepEqual(await collect(guard.request(chunked(bytes, [4, 4]))), bytes);
    assert.deepEqual(guard.asked, ['request binary']);
    assert.deepEqual(guard.inspected, []);
  });

  test('they close with 1003 when they may not, before anything of them has left', async () => {
    const bytes = Buffer.concat([message('ok'), message(BINARY, { opcode: OPCODE.binary })]);
    const out = await pass(bytes, 'request', [], { unreadable: () => 'block' });
    assert.deepEqual(tell(out, 'request'), ['text:ok', 'close:1003 binary messages are not accepted']);
  });

  test('text that is declared binary is inspected as text, short or long, and stays binary', async () => {
    const guard = guarded();
    const bytes = message('{"a":"SECRET"}', { opcode: OPCODE.binary, sizes: [3, 4] });
    assert.deepEqual(tell(await collect(guard.request(chunked(bytes, []))), 'request'), ['binary:{"a":"[REDACTED]"}']);
    assert.deepEqual(guard.inspected, ['request binary {"a":"SECRET"}']);
    const long = `${'a'.repeat(PEEK)}SECRET`;
    for (const sizes of [[], [100], [PEEK, 3], Array.from({ length: 2_000 }, () => 2)]) {
      const out = await pass(message(long, { opcode: OPCODE.binary, sizes }), 'request', [1_000, 2_000, 70]);
      assert.deepEqual(out, message(`${'a'.repeat(PEEK)}[REDACTED]`, { opcode: OPCODE.binary }));
    }
  });

  test('a long one leaves as it comes, after its beginning, and is never put together', async () => {
    const { agent, toCaller } = both();
    const size = 2 ** 40;
    const header = Buffer.from('827f0000010000000000', 'hex');
    assert.equal(header.readUIntBE(4, 6), size);
    const chunk = Buffer.alloc(PEEK, 0);
    agent.push(Buffer.concat([header, chunk]));
    assert.equal((await toCaller.next()).value?.length, header.length + PEEK);
    for (let i = 0; i < 50; i++) {
      agent.push(chunk);
      assert.deepEqual((await toCaller.next()).value, chunk);
    }
    assert.equal(agent.state.pulls, 51);
  });

  test('what is held of one is bounded, also in frames without a payload', async () => {
    const { agent, toCaller, asked } = both();
    const empty = Buffer.from('0000'.repeat(PEEK), 'hex');
    agent.push(Buffer.from('020100', 'hex'), empty);
    assert.ok(((await toCaller.next()).value?.length ?? 0) > PEEK);
    assert.deepEqual(asked, ['response binary']);
  });

  test('what becomes of them does not depend on chunks', async () => {
    const payloads = fc.oneof(
      fc.uint8Array({ maxLength: 40 }),
      fc
        .constantFrom('a SECRET', '{"a":1}', '\0{\0"\0a', '{\0"\0a\0SECRET', '\ufeff["SECRET"]', 'é')
        .map((text) => new Uint8Array(Buffer.from(text))),
      fc
        .tuple(fc.nat(2), fc.integer({ min: PEEK - 3, max: PEEK + 5 }))
        .map(
          ([byte, size]) =>
            new Uint8Array(Buffer.concat([Buffer.alloc(size, 'b'), Buffer.of(byte), Buffer.from('SECRET')])),
        ),
    );
    await fc.assert(
      fc.asyncProperty(payloads, fragmented, async (payload, { sizes, cuts, direction }) => {
        const bytes = Buffer.concat([
          message(payload, { direction, sizes, opcode: OPCODE.binary }),
          message('a SECRET', { direction }),
        ]);
        assert.deepEqual(await pass(bytes, direction, cuts), await pass(bytes, direction));
        assert.deepEqual(
          await pass(
            bytes,
            direction,
            [...bytes].map(() => 1),
          ),
          await pass(bytes, direction),
        );
      }),
      { numRuns: 60 },
    );
  });
});

describe('messages that are too large', () => {
  test('they close with 1009 as soon as a header says so', async () => {
    const { caller, frames, asked, closes } = both();
    caller.push(message('a'.repeat(LIMIT + 1)).subarray(0, 8));
    assert.deepEqual(await frames('request'), ['close:1009 message larger than the 10000 bytes allowed here']);
    assert.deepEqual(await frames('response'), ['close:1009 message larger than the 10000 bytes allowed here']);
    assert.deepEqual(asked, ['request too_large']);
    assert.deepEqual(
      closes.map(({ code, direction }) => [code, direction]),
      [[1009, 'request']],
    );
  });

  test('the limit itself is none, in one frame or many, and frames are added up', async () => {
    const text = 'a'.repeat(LIMIT);
    for (const sizes of [[], [1, 5_000], Array.from({ length: LIMIT }, () => 1)]) {
      const bytes = message(text, { sizes });
      assert.deepEqual(await pass(bytes), bytes);
      const out = await pass(message(`${text}b`, { sizes }));
      assert.match(tell(out, 'request').join(), /^close:1009/);
    }
    const binary = await pass(message(`${text}b`, { opcode: OPCODE.binary, sizes: [9_000] }));
    assert.match(tell(binary, 'request').join(), /^close:1009/);
  });

  test('when they may pass, they do so as they came, and the next one is inspected again', async () => {
    const large = 'SECRET'.repeat(LIMIT / 4);
    for (const sizes of [[], [10, 20], [9_999, 0, 1], [LIMIT + 1, 0, 500]]) {
      for (const opcode of [OPCODE.text, OPCODE.binary]) {
        const first = message(large, { sizes, opcode });
        const out = await pass(Buffer.concat([first, message('SECRET')]), 'request', [7, 3_000], {
          unreadable: () => 'pass',
        });
        assert.deepEqual(out, Buffer.concat([first, message('[REDACTED]')]));
      }
    }
  });

  test('so are those of very many empty frames', async () => {
    const empty = Buffer.from('0000'.repeat(40_000), 'hex');
    const out = await pass(Buffer.concat([Buffer.from('010161', 'hex'), empty]), 'response');
    assert.match(tell(out, 'response').join(), /^close:1009/);
  });

  test('all that is held counts against a bound on what many hold together, until it has left', async () => {
    const shares: { taken: number; isReleased: boolean }[] = [];
    const hold = () => {
      const share = { taken: 0, isReleased: false };
      shares.push(share);
      return {
        take: (bytes: number) => {
          if (share.taken + bytes > 500) throw new OutriderError('overloaded', 'too much is being read');
          share.taken += bytes;
        },
        release: () => {
          share.isReleased = true;
        },
      };
    };
    const whole = message('a'.repeat(100));
    assert.deepEqual(await pass(whole, 'request', [50], { hold }), whole);
    assert.ok((shares[0]?.taken ?? 0) >= 50);
    await pass(whole, 'request', [], { hold });
    assert.equal(shares[1]?.taken, 0);
    const out = await pass(message('a'.repeat(500)), 'request', [50, 200, 100], { hold });
    assert.deepEqual(tell(out, 'request'), ['close:1013 too much is being read']);
    // Broken off in the middle, closed in the middle, blocked, given up, invalid.
    await pass(message('abc').subarray(0, 8), 'request', [7], { hold });
    await pass(Buffer.concat([message('abc').subarray(0, 9), control(OPCODE.close, '')]), 'request', [7], { hold });
    await pass(message('BOMB'), 'request', [7], { hold });
    await pass(message(Buffer.of(0xff)), 'request', [6], { hold });
    // Not read, and let pass.
    await pass(message(Buffer.of(0, 1), { opcode: OPCODE.binary }), 'request', [7], { hold });
    await pass(message('a'.repeat(LIMIT + 1)), 'request', [7], { hold, unreadable: () => 'pass' });
    // Held for nothing while the stream goes on.
    const closing = both({ hold });
    closing.caller.push(message('abc', { sizes: [1] }).subarray(0, 7), control(OPCODE.close, ''));
    await closing.frames('request');
    assert.equal(shares.at(-1)?.isReleased, true);
    const { caller, toAgent } = both({ hold });
    caller.push(message('abc').subarray(0, 8));
    const waiting = toAgent.next();
    await turn();
    await toAgent.return?.();
    assert.equal((await waiting).done, true);
    assert.equal(shares.length, 11);
    assert.ok(shares.every(({ isReleased }) => isReleased));
  });
});

describe('the end that the guard makes', () => {
  const BLOCKED = 'close:1008 blocked by guardrail no-bomb';

  test('a block in either direction closes both, and nothing leaves of it or after it', async () => {
    for (const [direction, other] of [
      ['request', 'response'],
      ['response', 'request'],
    ] as const) {
      const socket = both();
      const from = direction === 'request' ? socket.caller : socket.agent;
      const idle = socket.frames(other);
      await turn();
      from.push(
        Buffer.concat([
          message('before', { direction }),
          message('a BOMB', { direction, sizes: [4] }),
          message('after', { direction }),
        ]),
      );
      assert.deepEqual(await socket.frames(direction), ['text:before']);
      assert.deepEqual(await socket.frames(direction), [BLOCKED]);
      assert.deepEqual(await socket.frames(direction), 'end');
      // It was waiting for bytes that have never come.
      assert.deepEqual(await idle, [BLOCKED]);
      assert.deepEqual(await socket.frames(other), 'end');
      assert.deepEqual(socket.closes, [{ code: 1008, reason: 'blocked by guardrail no-bomb', direction }]);
    }
  });

  test('a long name of a rule is cut to fit into the frame', async () => {
    const inspect = (bytes: Uint8Array): Inspected => ({ bytes, blockedBy: 'ü'.repeat(200) });
    const out = await pass(message('x'), 'request', [], { inspect });
    assert.deepEqual(tell(out, 'request'), [`close:1008 blocked by guardrail ${'ü'.repeat(51)}`]);
  });

  test('bytes that are no WebSocket close both with 1002', async () => {
    const unmasked = message('x', { direction: 'response' });
    const out = await pass(Buffer.concat([message('ok'), unmasked, message('after')]));
    assert.deepEqual(tell(out, 'request'), ['text:ok', 'close:1002 frame not masked']);
    const { agent, frames } = both();
    agent.push(Buffer.from('c10161', 'hex'));
    assert.deepEqual(await frames('response'), ['close:1002 reserved bit set without an extension']);
    assert.deepEqual(await frames('request'), ['close:1002 reserved bit set without an extension']);
  });

  test('what was held, or was being inspected, in the other direction is dropped', async () => {
    for (const text of ['slow', 'failing']) {
      let finish = (): void => {};
      const inspect = (bytes: Uint8Array, direction: Direction): Inspected | Promise<Inspected> =>
        direction === 'request'
          ? judge(bytes)
          : new Promise((resolve, reject) => {
              finish = () => (text === 'slow' ? resolve(judge(bytes)) : reject(new Error('failed')));
            });
      const { caller, agent, frames, closes } = both({ inspect });
      agent.push(message(text, { direction: 'response' }));
      const slow = frames('response');
      await turn();
      caller.push(message('BOMB'));
      assert.deepEqual(await frames('request'), [BLOCKED]);
      finish();
      assert.deepEqual(await slow, [BLOCKED]);
      assert.deepEqual(await frames('response'), 'end');
      assert.equal(closes.length, 1);
    }
  });

  test('a binary frame that is on its way is finished first, also in the middle of its message', async () => {
    const { caller, agent, toCaller, frames } = both();
    const binary = message(Buffer.alloc(PEEK + 100), {
      direction: 'response',
      opcode: OPCODE.binary,
      sizes: [PEEK + 50],
    });
    agent.push(binary.subarray(0, PEEK + 10));
    assert.equal((await toCaller.next()).value?.length, PEEK + 10);
    const rest = toCaller.next();
    caller.push(message('BOMB'));
    assert.deepEqual(await frames('request'), [BLOCKED]);
    await turn();
    agent.push(binary.subarray(PEEK + 10));
    const { value } = await rest;
    assert.deepEqual(value, binary.subarray(PEEK + 10, PEEK + 54));
    assert.deepEqual(await frames('response'), [BLOCKED]);
    assert.deepEqual(await frames('response'), 'end');
  });

  test('a side that has had its Close frame gets no second one', async () => {
    const { caller, agent, frames } = both();
    agent.push(control(OPCODE.close, 'bye', 'response'));
    assert.deepEqual(await frames('response'), ['close:1000 bye']);
    caller.push(message('BOMB'));
    assert.deepEqual(await frames('request'), [BLOCKED]);
    assert.deepEqual(await frames('response'), 'end');
  });

  test('what still comes is read and thrown away, so that no socket is reset', async () => {
    const { caller, agent, frames } = both();
    caller.push(message('BOMB'));
    await frames('request');
    await frames('response');
    agent.push(message('late', { direction: 'response' }), Buffer.alloc(100));
    caller.push(message('late'));
    for (let i = 0; i < 50 && agent.waiting() + caller.waiting() > 0; i++) await turn();
    assert.equal(agent.waiting() + caller.waiting(), 0);
    assert.equal(agent.state.isReturned || caller.state.isReturned, false);
    agent.fail(new Error('reset'));
    caller.end();
    await turn();
    assert.deepEqual(await frames('response'), 'end');
  });

  test('a direction that comes later ends at once', async () => {
    const { request, response } = guarded();
    await collect(request(chunked(message('BOMB'), [])));
    assert.deepEqual(tell(await collect(response(chunked(message('x', { direction: 'response' }), []))), 'response'), [
      BLOCKED,
    ]);
  });

  test('an inspection that fails closes by what it throws, and says no more than it should', async () => {
    const CASES: [error: Error, close: string][] = [
      [new OutriderError('blocked', 'blocked by guardrail x'), '1008 blocked by guardrail x'],
      [new OutriderError('body_too_large', 'too large'), '1009 too large'],
      [new OutriderError('bad_request', 'malformed'), '1007 malformed'],
      [new OutriderError('unsupported_media_type', 'charset'), '1007 charset'],
      [new OutriderError('overloaded', 'later'), '1013 later'],
      [new OutriderError('internal', 'inner workings'), '1011 the message could not be inspected'],
      [new Error('a private path'), '1011 the message could not be inspected'],
    ];
    for (const [error, close] of CASES) {
      const throws = (): never => {
        throw error;
      };
      for (const inspect of [throws, () => Promise.reject(error)]) {
        const guard = guarded({ inspect });
        const out = await collect(guard.request(chunked(Buffer.concat([message('x'), message('y')]), [])));
        assert.deepEqual(tell(out, 'request'), [`close:${close}`]);
        assert.equal(guard.closes[0]?.cause, error);
        assert.equal(guard.inspected.length, 1);
      }
    }
  });

  test('nothing more is inspected once the caller has left', async () => {
    const error = new OutriderError('cancelled', 'the caller has left');
    const inspect = (): never => {
      throw error;
    };
    const { caller, toAgent, inspected } = both({ inspect });
    caller.push(Buffer.concat([message('1'), message('2')]));
    await assert.rejects(toAgent.next(), error);
    assert.deepEqual(inspected, ['request text 1']);
  });

  test('when the caller has left meanwhile, the stream breaks off and its source is given up', async () => {
    const error = new OutriderError('cancelled', 'the caller has left');
    const { caller, toAgent, closes } = both({ inspect: () => Promise.reject(error) });
    caller.push(Buffer.concat([control(OPCODE.ping, ''), message('x')]));
    assert.equal((await toAgent.next()).value?.length, 6);
    await assert.rejects(toAgent.next(), error);
    assert.equal(caller.state.isReturned, true);
    assert.equal((await toAgent.next()).done, true);
    assert.deepEqual(closes, []);
  });
});

describe('as a body', () => {
  test('it reads no more than is asked of it', async () => {
    const { caller, toAgent, frames } = both();
    caller.push(message('1'), message('2'), message('3'));
    await turn();
    assert.equal(caller.state.pulls, 0);
    assert.deepEqual(await frames('request'), ['text:1']);
    await turn();
    assert.equal(caller.state.pulls, 1);
    assert.deepEqual(await frames('request'), ['text:2']);
    assert.equal(caller.waiting(), 1);
    await toAgent.return?.();
  });

  test('giving it up reaches the source, before, between and while waiting', async () => {
    for (const reads of [0, 1, 2]) {
      const ends: string[] = [];
      const source = pipe();
      const body = onBodyEnd(source.body, (end) => ends.push(end));
      assert.ok(isStream(body));
      const iterator = guarded().request(body)[Symbol.asyncIterator]();
      source.push(message('1'));
      const results = Array.from({ length: reads }, () => undefined);
      let last: Promise<IteratorResult<Uint8Array>> | undefined;
      for (const _ of results) {
        await last;
        last = iterator.next();
      }
      await turn();
      await iterator.return?.();
      assert.equal(source.state.isReturned, true);
      assert.deepEqual(ends, ['cancelled']);
      await last;
      assert.equal((await iterator.next()).done, true);
    }
  });

  test('giving it up ends a read, even when the source does not', async () => {
    const stuck: AsyncIterator<Uint8Array> = {
      next: () => new Promise(() => undefined),
      return: async () => ({ done: true, value: undefined }),
    };
    const body = guarded().request({ [Symbol.asyncIterator]: () => stuck });
    const iterator = body[Symbol.asyncIterator]();
    const read = iterator.next();
    await turn();
    await iterator.return?.();
    assert.equal((await read).done, true);
  });

  test('a side that says no more leaves the other one open; an incomplete message is dropped', async () => {
    const { caller, agent, frames, inspected } = both();
    caller.push(Buffer.concat([message('1'), message('half', { sizes: [2] }).subarray(0, 12)]));
    caller.end();
    assert.deepEqual(await frames('request'), ['text:1']);
    assert.deepEqual(await frames('request'), 'end');
    agent.push(message('still here', { direction: 'response' }));
    assert.deepEqual(await frames('response'), ['text:still here']);
    agent.end();
    assert.deepEqual(await frames('response'), 'end');
    assert.deepEqual(inspected, ['request text 1', 'response text still here']);
  });

  test('a source that breaks off breaks off its reader, after what came before', async () => {
    const { agent, frames, closes } = both();
    const error = new OutriderError('unreachable', 'the agent could not be reached');
    agent.push(Buffer.concat([message('1', { direction: 'response' }), Buffer.of(0x81)]));
    assert.deepEqual(await frames('response'), ['text:1']);
    const next = frames('response');
    agent.fail(error);
    await assert.rejects(next, error);
    assert.deepEqual(await frames('response'), 'end');
    assert.deepEqual(closes, []);
  });
});

describe('guardUpgrade', () => {
  const OPTIONS: WebSocketGuardOptions = { inspect: judge, limit: LIMIT, unreadable: () => 'pass' };
  const OFFER: Fields = ['Upgrade', 'websocket', 'Sec-WebSocket-Extensions', 'permessage-deflate', 'X-Other', '1'];
  const call = (headers: Fields, body: Body): Call => ({
    method: 'GET',
    target: '/ws',
    headers,
    body,
    signal: new AbortController().signal,
    upgrade: true,
  });

  test('offers no extension, and guards both directions of what the agent agrees to', async () => {
    let sent: Promise<Buffer> | undefined;
    let headers: Fields | undefined;
    const reply = await guardUpgrade(
      call(OFFER, chunked(message('SECRET'), [])),
      async (patch) => {
        headers = patch.headers;
        assert.ok(patch.body !== undefined && isStream(patch.body));
        sent = collect(patch.body);
        return { status: 101, headers: ['Upgrade', 'WebSocket'], body: message('SECRET', { direction: 'response' }) };
      },
      OPTIONS,
    );
    assert.deepEqual(headers, ['Upgrade', 'websocket', 'X-Other', '1']);
    assert.deepEqual(await sent, message('[REDACTED]'));
    assert.ok(isStream(reply.body));
    assert.deepEqual(await collect(reply.body), message('[REDACTED]', { direction: 'response' }));
    const none: Fields = ['Upgrade', 'websocket'];
    assert.equal(withoutExtensions(none), none);
  });

  test('refuses an agent that switches to an extension or to something else, and gives its stream up', async () => {
    for (const headers of [
      ['Upgrade', 'websocket', 'sec-websocket-extensions', 'permessage-deflate'],
      ['Upgrade', 'h2c'],
      [],
    ]) {
      const ends: string[] = [];
      const body = onBodyEnd(pipe().body, (end) => ends.push(end));
      await assert.rejects(
        guardUpgrade(call(OFFER, null), async () => ({ status: 101, headers, body }), OPTIONS),
        (error: unknown) => error instanceof OutriderError && error.code === 'unreachable',
      );
      assert.deepEqual(ends, ['cancelled']);
    }
  });

  test('a refusal of the agent comes back as it is', async () => {
    const reply: Reply = { status: 403, headers: ['X', 'y'], body: Buffer.from('no SECRET') };
    assert.equal(await guardUpgrade(call(OFFER, null), async () => reply, OPTIONS), reply);
  });
});
