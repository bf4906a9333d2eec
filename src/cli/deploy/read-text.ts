import { type FileHandle, open, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { DeployDeps } from './deps.ts';
import { Failure } from './failure.ts';
import { type Stamp, stampOf } from './stamp.ts';

/** More than any real manifest; a guard against the wrong file, and against one that never ends. */
export const MOST_BYTES = 16 * 2 ** 20;

export interface TextFile {
  /** For messages: the path as it was given, or `<stdin>`. */
  readonly name: string;
  readonly text: string;
  /** Undefined for what is no regular file, and so cannot be written back. */
  readonly stamp?: Stamp;
}

/** The text of a file, or of standard input for `-`. Throws `Failure`. */
export async function readText(path: string, deps: Pick<DeployDeps, 'stdin' | 'cwd'>): Promise<TextFile> {
  if (path === '-') return { name: '<stdin>', text: decode('<stdin>', await collect('<stdin>', deps.stdin)) };
  try {
    return await readFile(path, resolve(deps.cwd, path));
  } catch (error) {
    throw error instanceof Failure ? error : new Failure(`${path}: ${why(error)}`);
  }
}

async function readFile(name: string, path: string): Promise<TextFile> {
  // Before it is opened: to open a device may have effects of its own.
  const facts = await stat(path);
  if (facts.isDirectory()) throw new Failure(`${name}: this is a directory; name the file`);
  if (!facts.isFile() && !facts.isFIFO()) {
    throw new Failure(`${name}: this is a device, not a file; - reads standard input`);
  }
  const file = await open(path, 'r');
  try {
    const stamp = stampOf(await file.stat({ bigint: true }));
    const text = decode(name, await collect(name, chunksOf(file)));
    return { name, text, ...(facts.isFile() && { stamp }) };
  } finally {
    await file.close();
  }
}

async function* chunksOf(file: FileHandle): AsyncGenerator<Uint8Array> {
  for (;;) {
    const { bytesRead, buffer } = await file.read({ buffer: Buffer.allocUnsafe(256 * 1024), position: -1 });
    if (bytesRead === 0) return;
    yield buffer.subarray(0, bytesRead);
  }
}

async function collect(name: string, source: AsyncIterable<Uint8Array | string>): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of source) {
    const bytes =
      typeof chunk === 'string' ? Buffer.from(chunk) : Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length);
    size += bytes.length;
    if (size > MOST_BYTES) throw new Failure(`${name}: larger than 16 MiB, which no manifest is`);
    chunks.push(bytes);
  }
  return Buffer.concat(chunks, size);
}

function decode(name: string, bytes: Uint8Array): string {
  try {
    // The mark at the beginning stays: what goes in has to come out again.
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    const wide = (bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff);
    throw new Failure(`${name}: not UTF-8 text${wide ? ' but UTF-16: save it as UTF-8' : ''}`);
  }
}

function why(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
  if (code === 'ENOENT' || code === 'ENOTDIR') return 'there is no such file';
  return code === 'EACCES' ? 'you may not read it' : `cannot be read: ${code}`;
}
