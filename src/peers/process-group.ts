import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Process groups that must not outlive this process. A member is the id of a child that was spawned `detached`, which makes
 * it the leader of a group of its own; what it starts in turn belongs to the group, and stays when the leader has gone.
 */
const groups = new Set<number>();

/** How long a group may take after SIGTERM when nothing else in this process waits for it. */
const LAST_GRACE_MS = 500;
const POLL_MS = 20;
const SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;

export function watchGroup(leader: number): void {
  if (groups.size === 0) {
    process.on('exit', killAllNow);
    for (const signal of SIGNALS) process.on(signal, onSignal);
  }
  groups.add(leader);
}

/** SIGTERM to the whole group, SIGKILL to what is left of it after `graceMs`; resolves when none of it lives. */
export async function endGroup(leader: number, graceMs: number): Promise<void> {
  if (!groups.has(leader)) return;
  const deadline = Date.now() + graceMs;
  signalGroup(leader, 'SIGTERM');
  while (isAlive(leader) && Date.now() < deadline) await sleep(POLL_MS);
  signalGroup(leader, 'SIGKILL');
  // Killed ones stay until they are reaped: the leader by us, orphans by init.
  for (let waited = 0; isAlive(leader) && waited < 1000; waited += POLL_MS) await sleep(POLL_MS);
  forget(leader);
}

function forget(leader: number): void {
  groups.delete(leader);
  if (groups.size > 0) return;
  process.off('exit', killAllNow);
  for (const signal of SIGNALS) process.off(signal, onSignal);
}

function isAlive(leader: number): boolean {
  return signalGroup(leader, 0);
}

function signalGroup(leader: number, signal: NodeJS.Signals | 0): boolean {
  try {
    process.kill(-leader, signal);
    return true;
  } catch {
    // ESRCH: nobody of it is left.
    return false;
  }
}

function killAllNow(): void {
  for (const leader of groups) signalGroup(leader, 'SIGKILL');
}

/** Listening takes away a signal's default, which is to end the process: when nobody else listens, that is done here. */
function onSignal(signal: NodeJS.Signals): void {
  if (process.listenerCount(signal) > 1) return;
  void Promise.all([...groups].map((leader) => endGroup(leader, LAST_GRACE_MS))).then(() => {
    process.off(signal, onSignal);
    process.kill(process.pid, signal);
  });
}
