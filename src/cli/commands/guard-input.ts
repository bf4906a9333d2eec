import { extname } from 'node:path';
import { type GuardReading, loadGuard } from '../../config/guard-source.ts';
import { type ReadFile, readFromDisk } from '../../config/source.ts';
import type { Environment } from '../../environment.ts';
import { OutriderError } from '../../errors.ts';

/** What `outrider guard` needs of the world. */
export interface GuardCommandDeps {
  readonly env: Environment;
  readonly stdin: AsyncIterable<Uint8Array | string>;
  readonly stdout: Output;
  readonly stderr: Output;
  /** Called when the process is to end with a code other than 0. */
  readonly setExitCode: (code: number) => void;
  /** Default: the process's. */
  readonly cwd?: string;
  /** Default: the file system. */
  readonly readFile?: ReadFile;
}

interface Output {
  write(data: string | Uint8Array): unknown;
}

/** What is wrong with the command line, the configuration or a file; 1 says that something would be blocked. */
export const EXIT_FAULT = 2;
export const EXIT_BLOCKED = 1;

/** The guardrails of the configuration file, and nothing else of it. Throws `ConfigError`. */
export async function loadRules(config: string | undefined, deps: GuardCommandDeps): Promise<GuardReading> {
  const { env, cwd, readFile, stderr } = deps;
  const reading = await loadGuard({ env, configPath: config, ...(cwd && { cwd }), ...(readFile && { readFile }) });
  for (const warning of reading.warnings) stderr.write(`warning: ${warning}\n`);
  return reading;
}

/** The bytes of a file, or of standard input for `-`; at most `limit` and one more, so that it shows when there are more. */
export async function readInput(
  file: string,
  limit: number,
  { stdin, readFile }: GuardCommandDeps,
): Promise<Uint8Array> {
  if (file !== '-') {
    try {
      return (readFile ?? readFromDisk)(file, limit + 1);
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
      const why = code === 'ENOENT' || code === 'ENOTDIR' ? 'there is no such file' : `cannot be read: ${code}`;
      throw new OutriderError('bad_request', `${file}: ${why}`);
    }
  }
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of stdin) {
    const bytes = Buffer.from(chunk);
    chunks.push(bytes);
    size += bytes.length;
    if (size > limit) break;
  }
  return Buffer.concat(chunks).subarray(0, limit + 1);
}

const TYPES: Readonly<Record<string, string>> = {
  '.bin': 'application/octet-stream',
  '.csv': 'text/csv',
  '.form': 'application/x-www-form-urlencoded',
  '.htm': 'text/html',
  '.html': 'text/html',
  '.json': 'application/json',
  '.jsonl': 'application/x-ndjson',
  '.log': 'text/plain',
  '.md': 'text/markdown',
  '.ndjson': 'application/x-ndjson',
  '.sse': 'text/event-stream',
  '.txt': 'text/plain',
  '.xml': 'application/xml',
  '.yaml': 'application/yaml',
  '.yml': 'application/yaml',
};

/** The media type that a file's name tells; undefined when it tells none: then its bytes decide, as with a body. */
export function typeOf(file: string): string | undefined {
  const extension = extname(file).toLowerCase();
  return Object.hasOwn(TYPES, extension) ? TYPES[extension] : undefined;
}
