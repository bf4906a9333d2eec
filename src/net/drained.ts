import { setTimeout as sleep } from 'node:timers/promises';
import type { Listener } from './server.ts';

const POLL_MS = 20;

/** Lets idle connections go, and resolves when what is in flight is finished, or after `ms`. The port stays open. */
export async function drained(listener: Listener, ms: number): Promise<void> {
  listener.drain();
  for (const end = performance.now() + ms; listener.active() > 0 && performance.now() < end; ) await sleep(POLL_MS);
}
