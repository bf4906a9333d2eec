import { mkdirSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { type Exit, Process } from '../../../test/support/process.ts';

export const TOKEN = 'binary-token-0123456789';

/** Where an executable is tried: a folder that was empty, and nothing on the path. */
export interface Ground {
  readonly folder: string;
  readonly start: (args: readonly string[], env?: Record<string, string>) => Process;
  /** Runs to its end. */
  readonly run: (args: readonly string[], env?: Record<string, string>) => Promise<Ran>;
  /** Fails unless it holds; says so when it does. */
  readonly expect: (what: string, holds: boolean, seen: unknown) => void;
}

interface Ran extends Exit {
  readonly stdout: string;
  readonly stderr: string;
}

export function groundAt(folder: string, binary: string): Ground {
  const path = join(folder, 'nothing');
  mkdirSync(path);
  const start = (args: readonly string[], env: Record<string, string> = {}): Process =>
    new Process(binary, args, { PATH: path, ...env }, folder);
  return {
    folder,
    start,
    async run(args, env) {
      const child = start(args, env);
      const timer = setTimeout(() => child.signal('SIGKILL'), 20_000);
      const exit = await child.exited;
      clearTimeout(timer);
      return { ...exit, stdout: child.stdout, stderr: child.stderr };
    },
    expect(what, holds, seen) {
      if (!holds) throw new Error(`${what}: ${typeof seen === 'string' ? seen : JSON.stringify(seen)}`);
      console.log(`ok  ${what}`);
    },
  };
}

/** What every sidecar here is told: ports of its own, and its state in the folder. */
export function sidecarEnv({ folder }: Ground, agentUrl: string): Record<string, string> {
  return {
    AGENT_NAME: 'binary',
    AGENT_AUTH_TOKEN: TOKEN,
    OUTRIDER_AGENT_URL: agentUrl,
    OUTRIDER_DATA_DIR: join(folder, 'data'),
    OUTRIDER_INBOUND_ADDR: '127.0.0.1:0',
    OUTRIDER_LOCAL_ADDR: '127.0.0.1:0',
    OUTRIDER_MCP_ADDR: '127.0.0.1:0',
    OUTRIDER_COST_ADDR: '127.0.0.1:0',
  };
}

/** Where it listens, as its log says: this listener of a sidecar, or the only one. */
export function addressOf(child: Process, listener?: string): Promise<string> {
  const pattern = listener === undefined ? /"port":(\d+)/ : new RegExp(`"listener":"${listener}".*?"port":(\\d+)`);
  return child.waitFor(
    (output) => {
      const port = pattern.exec(output)?.[1];
      return port === undefined ? undefined : `http://127.0.0.1:${port}`;
    },
    `${listener ?? 'it'} listens`,
  );
}

export interface Heard {
  readonly path: string;
  readonly body: Buffer;
}

/** A server that keeps what it hears; `answer` writes the reply, else it is an empty one. */
export async function hearing(
  answer: (heard: Heard, response: ServerResponse) => void = (_heard, response) => response.end(),
): Promise<{ url: string; heard: Heard[]; close: () => void }> {
  const heard: Heard[] = [];
  const server = createServer((request: IncomingMessage, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const one = { path: request.url ?? '', body: Buffer.concat(chunks) };
      heard.push(one);
      answer(one, response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  // It listens on a port, not on a path.
  const { port } = server.address() as AddressInfo;
  const close = (): void => {
    server.close();
    server.closeAllConnections();
  };
  return { url: `http://127.0.0.1:${port}`, heard, close };
}
