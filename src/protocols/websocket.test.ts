import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import {
  applyMask,
  buildFrame,
  closeFrame,
  cutUtf8,
  type FrameFault,
  type FramePart,
  FrameReader,
  OPCODE,
  type Sender,
} from './websocket.ts';

/** Everything that a reader makes of chunks. */
function read(sender: Sender, chunks: readonly Uint8Array[]): { parts: FramePart[]; fault: FrameFault | undefined } {
  const reader = new FrameReader(sender);
  const parts: FramePart[] = [];
  for (const chunk of chunks) {
    reader.push(chunk);
    for (let part = reader.next(); part !== undefined; part = reader.next()) {
      if ('code' in part) return { parts, fault: part };
      parts.push(part);
    }
  }
  return { parts, fault: undefined };
}

function cut(bytes: Uint8Array, sizes: readonly number[]): Uint8Array[] {
  const chunks: Uint8Array[] = [];
  let at = 0;
  for (const size of sizes) chunks.push(bytes.subarray(at, (at += size)));
  return [...chunks, bytes.subarray(at)];
}

/** Frames, put together again from their parts. */
function frames(parts: readonly FramePart[]): { opcode: number; fin: boolean; text: Buffer }[] {
  const out: { opcode: number; fin: boolean; text: Buffer }[] = [];
  for (const { frame, payload, isFirst, offset } of parts) {
    if (isFirst) out.push({ opcode: frame.opcode, fin: frame.fin, text: Buffer.alloc(0) });
    const last = out.at(-1);
    assert.ok(last);
    assert.equal(last.text.length, offset);
    last.text = Buffer.concat([last.text, applyMask(payload, frame.mask, offset)]);
  }
  return out;
}

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');

/** A message in any number of frames, with control frames before and between them. */
const messages = fc
  .array(
    fc.record({
      opcode: fc.constantFrom(OPCODE.text, OPCODE.binary),
      parts: fc.array(fc.uint8Array({ maxLength: 300 }), { minLength: 1, maxLength: 4 }),
      ping: fc.option(fc.uint8Array({ maxLength: 125 })),
    }),
    { maxLength: 6 },
  )
  .map((list) =>
    list.flatMap(({ opcode, parts, ping }) =>
      parts.flatMap((payload, i) => [
        ...(ping === null ? [] : [{ opcode: OPCODE.ping as number, fin: true, text: Buffer.from(ping) }]),
        { opcode: i === 0 ? opcode : OPCODE.continuation, fin: i === parts.length - 1, text: Buffer.from(payload) },
      ]),
    ),
  );
const masks = fc.integer({ min: 0, max: 0xffffffff });
const cuts = fc.array(fc.nat(40), { maxLength: 60 });

describe('FrameReader', () => {
  test('reads the examples of RFC 6455 §5.7', () => {
    const hello = [{ opcode: OPCODE.text, fin: true, text: Buffer.from('Hello') }];
    assert.deepEqual(frames(read('server', [hex('81 05 48 65 6c 6c 6f')]).parts), hello);
    assert.deepEqual(frames(read('client', [hex('81 85 37 fa 21 3d 7f 9f 4d 51 58')]).parts), hello);
    assert.deepEqual(frames(read('server', [hex('01 03 48 65 6c 80 02 6c 6f')]).parts), [
      { opcode: OPCODE.text, fin: false, text: Buffer.from('Hel') },
      { opcode: OPCODE.continuation, fin: true, text: Buffer.from('lo') },
    ]);
    assert.deepEqual(frames(read('client', [hex('8a 85 37 fa 21 3d 7f 9f 4d 51 58')]).parts), [
      { opcode: OPCODE.pong, fin: true, text: Buffer.from('Hello') },
    ]);
    for (const [size, header] of [
      [256, '82 7e 01 00'],
      [65_536, '82 7f 00 00 00 00 00 01 00 00'],
    ] as const) {
      const { parts, fault } = read('server', [Buffer.concat([hex(header), Buffer.alloc(size, 7)])]);
      assert.equal(fault, undefined);
      assert.deepEqual(frames(parts), [{ opcode: OPCODE.binary, fin: true, text: Buffer.alloc(size, 7) }]);
    }
  });

  test('gives the same frames and the same bytes however they are cut', () => {
    fc.assert(
      fc.property(messages, masks, cuts, fc.boolean(), (list, key, sizes, isClient) => {
        const mask = isClient ? key : undefined;
        const bytes = Buffer.concat(list.map(({ opcode, fin, text }) => buildFrame(text, { opcode, fin, mask })));
        const { parts, fault } = read(isClient ? 'client' : 'server', cut(bytes, sizes));
        assert.equal(fault, undefined);
        assert.deepEqual(frames(parts), list);
        assert.deepEqual(Buffer.concat(parts.map(({ raw }) => raw)), bytes);
      }),
    );
  });

  test('gives the beginning of a frame before its end has come, a control frame only whole', () => {
    const reader = new FrameReader('server');
    reader.push(hex('82 05'));
    const first = reader.next();
    assert.ok(first !== undefined && 'raw' in first);
    assert.deepEqual([first.isFirst, first.raw.length, first.payload.length, first.left], [true, 2, 0, 5]);
    assert.equal(reader.next(), undefined);
    reader.push(hex('01 02 03'));
    const second = reader.next();
    assert.ok(second !== undefined && 'raw' in second);
    assert.deepEqual([second.isFirst, second.offset, second.payload.length, second.left], [false, 0, 3, 2]);
    reader.push(hex('04 05 89 03 01 02'));
    assert.ok(reader.next() !== undefined);
    assert.equal(reader.next(), undefined);
    reader.push(hex('03'));
    const ping = reader.next();
    assert.ok(ping !== undefined && 'raw' in ping);
    assert.deepEqual(Buffer.from(ping.payload), hex('01 02 03'));
  });

  const FAULTS: [what: string, sender: Sender, bytes: string, code: number][] = [
    ['a frame of a client without a mask', 'client', '81 01 41', 1002],
    ['a frame of a server with a mask', 'server', '81 81 00000000 41', 1002],
    ['RSV1: compressed', 'server', 'c1 01 41', 1002],
    ['RSV2', 'server', 'a1 01 41', 1002],
    ['RSV3', 'server', '91 01 41', 1002],
    ['opcode 3', 'server', '83 01 41', 1002],
    ['opcode 7', 'server', '87 01 41', 1002],
    ['opcode 11', 'server', '8b 00', 1002],
    ['opcode 15', 'server', '8f 00', 1002],
    ['a ping in two frames', 'server', '09 00', 1002],
    ['a ping of 126 bytes', 'server', '89 7e 00 7e', 1002],
    ['a Close frame with half a status code', 'server', '88 01 03', 1002],
    ['a continuation of nothing', 'server', '80 01 41', 1002],
    ['a continuation after the end', 'server', '81 01 41 80 01 41', 1002],
    ['a message within a message', 'server', '01 01 41 81 01 41', 1002],
    ['16 bits for a short length', 'server', '81 7e 00 7d', 1002],
    ['64 bits for a short length', 'server', '81 7f 00 00 00 00 00 00 ff ff', 1002],
    ['a negative length', 'server', '82 7f 80 00 00 00 00 00 00 00', 1002],
    ['a length beyond what can be counted', 'server', '82 7f 00 20 00 00 00 00 00 00', 1009],
  ];
  for (const [what, sender, bytes, code] of FAULTS) {
    test(`refuses ${what}, also byte by byte, and reads nothing after it`, () => {
      const all = Buffer.concat([hex(bytes), buildFrame(Buffer.from('x'), { opcode: 1, mask: undefined })]);
      assert.equal(read(sender, [all]).fault?.code, code);
      const reader = new FrameReader(sender);
      reader.push(all);
      let last = reader.next();
      while (last !== undefined && !('code' in last)) last = reader.next();
      assert.equal(reader.next(), last);
      assert.deepEqual(
        read(
          sender,
          [...hex(bytes)].map((byte) => Buffer.of(byte)),
        ).fault,
        last,
      );
    });
  }

  test('survives any bytes, and says the same of them however they are cut', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), cuts, fc.boolean(), (bytes, sizes, isClient) => {
        const sender = isClient ? 'client' : 'server';
        const whole = read(sender, [bytes]);
        const parted = read(sender, cut(bytes, sizes));
        assert.deepEqual(parted.fault, whole.fault);
        assert.deepEqual(frames(parted.parts), frames(whole.parts));
      }),
    );
  });
});

describe('building frames', () => {
  test('the shortest form of each length', () => {
    const header = (size: number): string =>
      Buffer.from(buildFrame(new Uint8Array(size), { opcode: 2, mask: undefined }).subarray(0, 10)).toString('hex');
    assert.match(header(125), /^827d/);
    assert.match(header(126), /^827e007e/);
    assert.match(header(65_535), /^827effff/);
    assert.match(header(65_536), /^827f0000000000010000/);
  });

  test('masking twice is not masking, at any place of a frame', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 50 }), masks, fc.nat(9), (bytes, mask, offset) => {
        const masked = applyMask(bytes, mask, offset);
        assert.deepEqual(new Uint8Array(applyMask(masked, mask, offset)), bytes);
        const key = Buffer.alloc(4);
        key.writeUInt32BE(mask);
        for (const [i, byte] of masked.entries()) assert.equal(byte ^ (bytes[i] ?? 0), key[(offset + i) % 4]);
      }),
    );
  });

  test('a Close frame has its code and as much of its reason as there is room for, in whole characters', () => {
    const close = closeFrame(1008, `${'a'.repeat(122)}é`, undefined);
    assert.equal(close.length, 2 + 2 + 122);
    assert.deepEqual(Buffer.from(close.subarray(0, 5)), hex('88 7c 03 f0 61'));
    const masked = closeFrame(1002, 'no', 0x01020304);
    assert.deepEqual(Buffer.from(masked), hex('88 84 01020304 02 e8 6d 6b'));
    assert.equal(Buffer.from(cutUtf8(Buffer.from('a😀'), 4)).toString(), 'a');
    assert.equal(Buffer.from(cutUtf8(Buffer.from('a😀'), 5)).toString(), 'a😀');
  });
});
