import { connect, type Socket } from 'node:net';

export const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';
export const TYPE = {
  data: 0,
  headers: 1,
  rstStream: 3,
  settings: 4,
  ping: 6,
  goaway: 7,
  windowUpdate: 8,
  continuation: 9,
};
export const FLAG = { ack: 1, endStream: 1, endHeaders: 4 };

export interface Frame {
  type: number;
  flags: number;
  stream: number;
  payload: Buffer;
}

export function frame(type: number, flags: number, stream: number, payload: Buffer = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** HPACK without tables and Huffman coding: literals, never indexed. */
export function headerBlock(fields: readonly (readonly [name: string, value: string])[]): Buffer {
  return Buffer.concat(fields.flatMap(([name, value]) => [Buffer.from([0]), literal(name), literal(value)]));
}

function literal(text: string): Buffer {
  const bytes = Buffer.from(text, 'latin1');
  if (bytes.length < 127) return Buffer.concat([Buffer.from([bytes.length]), bytes]);
  const length = [127];
  let rest = bytes.length - 127;
  for (; rest >= 128; rest >>= 7) length.push((rest & 127) | 128);
  length.push(rest);
  return Buffer.concat([Buffer.from(length), bytes]);
}

export interface RequestInit {
  /** Whether the request ends with its headers; true unless told otherwise. */
  end?: boolean;
  fields?: readonly [name: string, value: string][];
  /** Pseudo fields; undefined leaves one out. */
  method?: string | undefined;
  scheme?: string | undefined;
  path?: string | undefined;
  authority?: string | undefined;
  protocol?: string;
  status?: string;
}

/** A request's HEADERS, on that stream. */
export function request(stream: number, { end = true, fields = [], ...pseudo }: RequestInit = {}): Buffer {
  const all = { method: 'GET', scheme: 'http', path: '/', authority: 'a', ...pseudo };
  const block = headerBlock([
    ...Object.entries(all).flatMap(([name, value]): [string, string][] =>
      value === undefined ? [] : [[`:${name}`, value]],
    ),
    ...fields,
  ]);
  return frame(TYPE.headers, FLAG.endHeaders | (end ? FLAG.endStream : 0), stream, block);
}

export function rst(stream: number, code = 8): Buffer {
  const payload = Buffer.alloc(4);
  payload.writeUInt32BE(code);
  return frame(TYPE.rstStream, 0, stream, payload);
}

export interface RawHttp2 {
  socket: Socket;
  /** What has come, in order. */
  frames: Frame[];
  closed: boolean;
  /** Code of the RST_STREAM that this stream had, if it had one. */
  resetOf(stream: number): number | undefined;
  goaway(): number | undefined;
  send(...frames: Buffer[]): void;
}

/** A connection that has sent its preface and empty settings, and acknowledges nothing. */
export function rawHttp2(port: number, { begin = true, settings = Buffer.alloc(0) } = {}): RawHttp2 {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined);
  const raw: RawHttp2 = {
    socket,
    frames: [],
    closed: false,
    resetOf: (stream) =>
      raw.frames.find((f) => f.type === TYPE.rstStream && f.stream === stream)?.payload.readUInt32BE(),
    goaway: () => raw.frames.find((f) => f.type === TYPE.goaway)?.payload.readUInt32BE(4),
    send: (...frames) => void socket.write(Buffer.concat(frames)),
  };
  socket.on('close', () => {
    raw.closed = true;
  });
  let rest = Buffer.alloc(0);
  socket.on('data', (chunk: Buffer) => {
    rest = Buffer.concat([rest, chunk]);
    for (;;) {
      if (rest.length < 9) return;
      const length = rest.readUIntBE(0, 3);
      if (rest.length < 9 + length) return;
      raw.frames.push({
        type: rest.readUInt8(3),
        flags: rest.readUInt8(4),
        stream: rest.readUInt32BE(5) & 0x7fffffff,
        payload: rest.subarray(9, 9 + length),
      });
      rest = rest.subarray(9 + length);
    }
  });
  if (begin) raw.send(Buffer.from(PREFACE), frame(TYPE.settings, 0, 0, settings));
  return raw;
}
