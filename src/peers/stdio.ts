import { type ChildProcessByStdio, spawn } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import type { JSONRPCMessage, Transport } from '@modelcontextprotocol/client';
import { OutriderError } from '../errors.ts';
import { LineSplitter } from './line-splitter.ts';
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
  readonly onStderr: (chunk: Buffer) => void;
}

/** How long the pipes of a child that has exited may still give what is in them. */
const DRAIN_MS = 200;

/**
 * MCP's stdio transport (revision 2025-11-25, "Transports: stdio"): one JSON-RPC message a line. Unlike the SDK's own, the
 * child leads a process group, which is ended as a whole: `npx` and shells leave the real server behind otherwise. Closes by
 * itself when the child exits, and when it sends a line longer than the limit.
 */
export class StdioTransport implements Transport {
  onclose?: (() => void) | undefined;
  onerror?: ((error: Error) => void) | undefined;
  onmessage?: Transport['onmessage'];

  readonly #options: StdioOptions;
  #child: ChildProcessByStdio<Writable, Readable, Readable> | undefined;
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
    child.on('exit', () => void this.close(streamsClosed(child)));
    child.stdin.on('error', (error) => this.onerror?.(error));
    const lines = new LineSplitter(messageLimit, (line, cut) => this.#line(line, cut));
    child.stdout.on('data', (chunk: Buffer) => lines.push(chunk));
    child.stderr.on('data', onStderr);
  }

  async send(message: JSONRPCMessage): Promise<void> {
    const stdin = this.#child?.stdin;
    if (stdin === undefined || !stdin.writable || this.#closing !== undefined) throw new Error('the child is gone');
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
    if (line.length === 0) return;
    let message: JSONRPCMessage;
    try {
      message = this.#options.parse(JSON.parse(line.toString()));
    } catch {
      // Programs print to stdout what they should not; the text may hold anything, so it is not repeated here.
      this.onerror?.(new OutriderError('bad_request', 'a line on stdout is not JSON-RPC'));
      return;
    }
    this.onmessage?.(message);
  }
}

/** For a child that has exited: both pipes have ended, or soon, because a process that fled the group may hold them open. */
function streamsClosed(child: ChildProcessByStdio<Writable, Readable, Readable>): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, DRAIN_MS);
    child.once('close', () => {
      clearTimeout(timer);
      resolve();
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
