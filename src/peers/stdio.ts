import { type ChildProcessByStdio, spawn } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import type { JSONRPCMessage, JSONRPCNotification, JSONRPCRequest, Transport } from '@modelcontextprotocol/client';
import { OutriderError } from '../errors.ts';
import { LineBudget, type LineRate } from './line-budget.ts';
import { LineReader } from './line-reader.ts';
import { endGroup, watchGroup } from './process-group.ts';

export interface StdioOptions {
  readonly command: string;
  readonly args: readonly string[];
  /** The child's whole environment. */
  readonly env: Readonly<Record<string, string>>;
  readonly cwd?: string | undefined;
  /** Bytes of one message on the child's stdout. */
  readonly messageLimit: number;
  /** After SIGTERM, before SIGKILL. */
  readonly graceMs: number;
  /** Checks a value that came as JSON to be a JSON-RPC message; throws if it is none. */
  readonly parse: (value: unknown) => JSONRPCMessage;
  /** Returns for how many milliseconds no more is to be read. */
  readonly onStderr: (chunk: Buffer) => number;
}

/** Of what is not JSON-RPC. A child that exceeds it is ended. */
const JUNK: LineRate = { lines: 1_000, bytes: 2 ** 20, burstSeconds: 4 };
/** Of messages that answer nothing that is open. A child that exceeds it is read no faster. */
const UNASKED: LineRate = { lines: 1_000, bytes: 2 ** 23, burstSeconds: 4 };
/** Answers of ours that a child has not read, in bytes; above that its requests are not answered. */
const UNREAD_LIMIT = 2 ** 20;

/** How long the pipes of a child that has exited may still give what is in them. */
const DRAIN_MS = 200;

/**
 * MCP's stdio transport (revision 2025-11-25, "Transports: stdio"): one JSON-RPC message a line. Unlike the SDK's own, the
 * child leads a process group, which is ended as a whole: `npx` and shells leave the real server behind otherwise. Closes by
 * itself when the child exits, and when it sends a line longer than the limit or floods its stdout with what is no message.
 */
export class StdioTransport implements Transport {
  onclose?: (() => void) | undefined;
  onerror?: ((error: Error) => void) | undefined;
  onmessage?: Transport['onmessage'];

  readonly #options: StdioOptions;
  readonly #junk = new LineBudget(JUNK);
  readonly #unasked = new LineBudget(UNASKED);
  /** Ids of requests that wait for their answers. */
  readonly #open = new Set<unknown>();
  #child: ChildProcessByStdio<Writable, Readable, Readable> | undefined;
  #reader: LineReader | undefined;
  #closing: Promise<void> | undefined;

  constructor(options: StdioOptions) {
    this.#options = options;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  async start(): Promise<void> {
    const { command, args, env, cwd, messageLimit, onStderr } = this.#options;
    const child = spawn(command, args, { env, cwd, detached: true, stdio: ['pipe', 'pipe', 'pipe'] });
    this.#child = child;
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve);
      child.once('error', reject);
    });
    if (child.pid !== undefined) watchGroup(child.pid);
    child.on('error', (error) => this.onerror?.(error));
    child.stdin.on('error', (error) => this.onerror?.(error));
    const reader = new LineReader(child.stdout, {
      limit: messageLimit,
      onLine: (line, cut) => this.#line(line, cut),
      pauseMs: () => this.#unasked.overdrawnMs(),
    });
    this.#reader = reader;
    child.on('exit', () => void this.close(lastWords(child, reader)));
    child.stderr.on('data', (chunk: Buffer) => {
      const pauseMs = onStderr(chunk);
      if (pauseMs <= 0) return;
      child.stderr.pause();
      setTimeout(() => child.stderr.resume(), pauseMs).unref();
    });
  }

  async send(message: JSONRPCMessage): Promise<void> {
    const stdin = this.#child?.stdin;
    if (stdin === undefined || !stdin.writable || this.#closing !== undefined) throw new Error('the child is gone');
    if ('method' in message) this.#note(message);
    else if (stdin.writableLength > UNREAD_LIMIT) throw new Error('the child does not read our answers');
    await new Promise<void>((resolve, reject) => {
      stdin.write(`${JSON.stringify(message)}\n`, (error) => (error ? reject(error) : resolve()));
    });
  }

  /** Ends the whole group; resolves when none of it is left. `onclose` is called first, after what `drained` waits for. */
  close(drained: Promise<void> = Promise.resolve()): Promise<void> {
    this.#closing ??= this.#end(drained);
    return this.#closing;
  }

  async #end(drained: Promise<void>): Promise<void> {
    const child = this.#child;
    const ended = child?.pid === undefined ? undefined : endGroup(child.pid, this.#options.graceMs);
    child?.stdin.end();
    await drained;
    this.onclose?.();
    await ended;
    this.#reader?.stop();
    for (const stream of [child?.stdin, child?.stdout, child?.stderr]) stream?.destroy();
  }

  #line(line: Buffer, cut: boolean): void {
    if (cut) {
      const { messageLimit } = this.#options;
      this.onerror?.(
        new OutriderError('body_too_large', `the MCP server sent a message larger than ${messageLimit} bytes`),
      );
      void this.close();
      return;
    }
    const message = line.length === 0 ? undefined : this.#parsed(line);
    if (message === undefined) {
      this.#junkLine(line.length);
      return;
    }
    if ('method' in message || !this.#open.delete(message.id)) this.#unasked.spend(line.length);
    this.onmessage?.(message);
  }

  #parsed(line: Buffer): JSONRPCMessage | undefined {
    try {
      return this.#options.parse(JSON.parse(line.toString()));
    } catch {
      return undefined;
    }
  }

  /** Programs print to stdout what they should not; the text may hold anything, so it is not repeated here. */
  #junkLine(bytes: number): void {
    if (this.#junk.overdrawnMs() === 0) {
      this.#junk.spend(bytes);
      if (bytes > 0) this.onerror?.(new OutriderError('bad_request', 'a line on stdout is not JSON-RPC'));
      return;
    }
    this.#reader?.stop();
    const said = 'the MCP server flooded its stdout with what is not JSON-RPC and was ended; the request may have run';
    this.onerror?.(new OutriderError('unreachable', said));
    void this.close();
  }

  #note(message: JSONRPCRequest | JSONRPCNotification): void {
    if ('id' in message) this.#open.add(message.id);
    else if (message.method === 'notifications/cancelled') this.#open.delete(message.params?.['requestId']);
  }
}

/**
 * For a child that has exited: both pipes have ended and were read, or soon, because a process that fled the group may hold
 * them open.
 */
function lastWords(child: ChildProcessByStdio<Writable, Readable, Readable>, reader: LineReader): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, DRAIN_MS);
    child.once('close', () => {
      void reader.drained().then(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  });
}

const INHERITED = new Set(['PATH', 'HOME', 'USER', 'LOGNAME', 'SHELL', 'LANG', 'LANGUAGE', 'TZ', 'TMPDIR', 'TERM']);

/** What a child may know of our environment, and what is configured for it. Our own tokens are in neither. */
export function childEnvironment(
  ours: Readonly<Record<string, string | undefined>>,
  configured: Readonly<Record<string, string>>,
): Record<string, string> {
  const env: Record<string, string> = {};
  for (const [name, value] of Object.entries(ours)) {
    if (value !== undefined && (INHERITED.has(name) || name.startsWith('LC_'))) env[name] = value;
  }
  return { ...env, ...configured };
}
