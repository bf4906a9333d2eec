/** `setTimeout` takes no more: a longer wait would end at once. */
const LONGEST_MS = 2 ** 31 - 1;

/**
 * Calls back once `performance.now()` has reached `deadline`, never before; timers may fire a moment early. Gives what ends the
 * waiting.
 */
export function atDeadline(deadline: number, callback: () => void): () => void {
  let timer: NodeJS.Timeout;
  const wait = (): void => {
    const left = Math.max(0, Math.ceil(deadline - performance.now()));
    timer = setTimeout(look, Math.min(left, LONGEST_MS));
  };
  const look = (): void => {
    if (performance.now() < deadline) wait();
    else callback();
  };
  wait();
  return () => clearTimeout(timer);
}
