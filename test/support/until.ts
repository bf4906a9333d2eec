import { setTimeout as sleep } from 'node:timers/promises';

/** Asks again and again until there is an answer that is neither undefined nor false; fails when time runs out. */
export async function until<T>(
  ask: () => T | undefined | false | Promise<T | undefined | false>,
  what: string,
  timeoutMs = 15_000,
  pauseMs = 10,
): Promise<T> {
  for (const deadline = performance.now() + timeoutMs; ; await sleep(pauseMs)) {
    const answer = await ask();
    if (answer !== undefined && answer !== false) return answer;
    if (performance.now() > deadline) throw new Error(`not within ${timeoutMs} ms: ${what}`);
  }
}

/** Reads a number again and again until it is the same twice, `pauseMs` apart; gives it. */
export function untilStill(read: () => number | Promise<number>, what: string, pauseMs = 100): Promise<number> {
  let last: number | undefined;
  return until(
    async () => {
      const before = last;
      last = await read();
      return last === before ? last : undefined;
    },
    what,
    15_000,
    pauseMs,
  );
}
