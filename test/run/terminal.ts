import { spawn } from 'node:child_process';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { eventually } from './processes.ts';

/** Runs a command on a pseudo-terminal that is its controlling one, copying between that and stdin and stdout. */
const PTY = `
import os, pty, select, sys
pid, master = pty.fork()
if pid == 0:
    os.execvp(sys.argv[1], sys.argv[1:])
def copy():
    sources = [master, 0]
    while True:
        for source in select.select(sources, [], [])[0]:
            try:
                data = os.read(source, 4096)
            except OSError:
                return
            if source == master:
                if not data:
                    return
                os.write(1, data)
            elif data:
                os.write(master, data)
            else:
                sources.remove(0)
copy()
status = os.waitpid(pid, 0)[1]
print('exit status', os.waitstatus_to_exitcode(status), flush=True)
`;

export interface Terminal {
  type(keys: string): void;
  shows(text: string): Promise<void>;
  text(): string;
}

/** Starts the runner fixture in the foreground of a terminal of its own. Needs python3. */
export function onTerminal(t: TestContext, settings: object): Terminal {
  const file = fileURLToPath(new URL('./fixtures/runner.ts', import.meta.url));
  return commandOnTerminal(t, [process.execPath, file, JSON.stringify(settings)]);
}

export interface CommandOptions {
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
}

/** Starts a command in the foreground of a terminal of its own; once it has ended, `exit status N` is shown. Needs python3. */
export function commandOnTerminal(t: TestContext, command: readonly string[], options: CommandOptions = {}): Terminal {
  const child = spawn('python3', ['-c', PTY, ...command], { ...options, stdio: ['pipe', 'pipe', 'inherit'] });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
  });
  // The terminal's end hangs up on the runner, and the runner's end, however it comes, ends the agent.
  t.after(() => child.kill('SIGKILL'));
  return {
    type: (keys) => void child.stdin.write(keys),
    shows: async (part) =>
      void (await eventually(
        () => text.includes(part),
        () => `does not show ${part}: ${text}`,
      )),
    text: () => text,
  };
}
