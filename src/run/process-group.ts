import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

const LONGEST_POLL_MS = 100;

/** Sends a signal to every member of a process group. False when there is none that could be signalled. */
export function signalGroup(leader: number, signal: NodeJS.Signals | 0): boolean {
  return sendSignal(-leader, signal);
}

/** Sends a signal to one process, or to the group of a negative id. False when there is none that could be signalled. */
export function sendSignal(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    process.kill(pid, signal);
    return true;
  } catch {
    // ESRCH: nobody there. EPERM: only zombies (macOS) or another user's processes, neither of which we can end.
    return false;
  }
}

/**
 * Whether a process group has a member that still runs. A member that has ended but was not reaped does not count: in a
 * container where this process is PID 1 such members stay, because Node reaps only the children it started itself.
 */
export function groupRuns(leader: number): boolean {
  if (!signalGroup(leader, 0)) return false;
  return process.platform === 'linux' ? someMemberRuns(leader) : true;
}

/** Resolves to true once no member of the group runs, to false when `timeoutMs` have passed before that. */
export async function groupEnds(leader: number, timeoutMs: number): Promise<boolean> {
  const deadline = performance.now() + timeoutMs;
  for (let pause = 5; groupRuns(leader); pause = Math.min(pause * 2, LONGEST_POLL_MS)) {
    const left = deadline - performance.now();
    if (left <= 0) return false;
    await sleep(Math.min(pause, left));
  }
  return true;
}

/** Reads `/proc/PID/stat` of every process: state and process group are its 3rd and 5th field (proc_pid_stat(5)). */
function someMemberRuns(leader: number): boolean {
  let names: string[];
  try {
    names = readdirSync('/proc');
  } catch {
    return true;
  }
  return names.some((name) => {
    if (!/^\d+$/.test(name)) return false;
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'latin1');
      // The 2nd field is the program's name in parentheses, and may itself hold blanks and parentheses.
      const [state, , group] = stat.slice(stat.lastIndexOf(')') + 2).split(' ', 3);
      return Number(group) === leader && state !== 'Z' && state !== 'X';
    } catch {
      // It ended between the two reads.
      return false;
    }
  });
}
