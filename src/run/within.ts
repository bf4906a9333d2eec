/** What `work` gives, or `late` when `ms` milliseconds have passed before that. The work itself is not ended. */
export async function within<T, L>(work: Promise<T>, ms: number, late: L): Promise<T | L> {
  const timeout = Promise.withResolvers<L>();
  const timer = setTimeout(() => timeout.resolve(late), ms);
  try {
    return await Promise.race([work, timeout.promise]);
  } finally {
    clearTimeout(timer);
  }
}
