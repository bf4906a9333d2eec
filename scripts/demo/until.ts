import { setTimeout as sleep } from 'node:timers/promises';

/** Asks until there is an answer other than undefined and false. Rejects when there is none in time. */
export async function until<T>(
  what: string,
  ask: () => T | undefined | false | Promise<T | undefined | false>,
  timeoutMs = 10_000,
): Promise<T> {
  for (const deadline = performance.now() + timeoutMs; ; await sleep(20)) {
    const answer = await ask();
    if (answer !== undefined && answer !== false) return answer;
    if (performance.now() > deadline) throw new Error(`not within ${timeoutMs / 1000} s: ${what}`);
  }
}
