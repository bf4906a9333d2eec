import { spawn } from 'node:child_process';
import type { RunLog } from './log.ts';

const GRACE_SECONDS = 5;

/** `$1`: the group; `$2`: seconds from SIGTERM to SIGKILL. The end of stdin without the word `over` means that we died. */
const SCRIPT = `
trap '' HUP INT QUIT TERM
read -r word
[ "$word" = over ] && exit 0
kill -s TERM -- "-$1" || exit 0
while [ "$2" -gt 0 ] && kill -s 0 -- "-$1"; do
  sleep 1
  set -- "$1" "$(($2 - 1))"
done
kill -s KILL -- "-$1"
`;

export interface Watchdog {
  /** The group has ended: there is nothing left to watch. */
  release(): void;
}

/**
 * Ends a process group when this process is killed in a way that leaves it no chance to do so itself (SIGKILL, out of memory,
 * a crash in native code). It is a shell that waits on a pipe: the system closes the pipe whatever happens to us. Where there is
 * no `/bin/sh`, as in images without a shell, there is no watchdog; such a container ends as a whole with its first process.
 */
export function watchGroup(leader: number, log: RunLog): Watchdog {
  const shell = spawn('/bin/sh', ['-c', SCRIPT, 'outrider-watchdog', String(leader), String(GRACE_SECONDS)], {
    // Out of reach of the terminal's signals and of whoever signals our group or the agent's.
    detached: true,
    cwd: '/',
    env: { PATH: '/usr/bin:/bin' },
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  shell.on('error', (error) => log.debug('no watchdog for the agent: /bin/sh cannot be started', { error }));
  // Somebody ended the watchdog: releasing it then fails, which harms nobody.
  shell.stdin.on('error', () => undefined);
  shell.unref();
  // The pipe must not keep this process alive; net.Socket has the method that the stream type lacks.
  if ('unref' in shell.stdin && typeof shell.stdin.unref === 'function') shell.stdin.unref();
  return { release: () => void shell.stdin.end('over\n') };
}
