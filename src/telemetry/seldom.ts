/** Says true at most once in `ms`; for messages that would otherwise come with every failure. */
export function seldom(ms: number, now: () => number = () => performance.now()): () => boolean {
  let next = Number.NEGATIVE_INFINITY;
  return () => {
    const time = now();
    if (time < next) return false;
    next = time + ms;
    return true;
  };
}
