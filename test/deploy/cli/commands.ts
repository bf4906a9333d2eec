import { Readable, Writable } from 'node:stream';
import { type Command, CommanderError } from 'commander';
import type { DeployDeps } from '../../../src/cli/deploy/deps.ts';

export interface Ended {
  code: number;
  stdout: string;
  stderr: string;
}

export interface World {
  readonly cwd: string;
  readonly env?: Record<string, string>;
  /** Standard input; without it there is a terminal. */
  readonly input?: string | Uint8Array | AsyncIterable<Uint8Array>;
}

/** Runs a command in this process, as it would run in one of its own. */
export async function runCommand(make: (deps: DeployDeps) => Command, args: string[], world: World): Promise<Ended> {
  const ended: Ended = { code: 0, stdout: '', stderr: '' };
  const { input } = world;
  const bytes = typeof input === 'string' || input instanceof Uint8Array ? [Buffer.from(input)] : (input ?? []);
  const stdin = Object.assign(Readable.from(bytes), { isTTY: input === undefined });
  const command = make({
    env: world.env ?? {},
    cwd: world.cwd,
    version: '1.2.3',
    stdin,
    stdout: sink((text) => (ended.stdout += text)),
    stderr: sink((text) => (ended.stderr += text)),
    setExitCode: (code) => {
      ended.code = code;
    },
  });
  command.exitOverride().configureOutput({ writeErr: (text) => (ended.stderr += text) });
  try {
    await command.parseAsync(args, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    ended.code = error.exitCode;
  }
  return ended;
}

function sink(take: (text: string) => void): Writable {
  return new Writable({
    write(chunk: Buffer, _encoding, done) {
      take(chunk.toString());
      done();
    },
  });
}
