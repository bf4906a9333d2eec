export interface KeepOptions {
  /** Milliseconds for which an answer stays good. */
  readonly keepMs?: number;
}

/**
 * Questions asked while one is under way share its answer, and an answer is kept for `keepMs`, so that open endpoints cannot be
 * used to hammer whoever answers.
 */
export function keptAnswer<Answer>(
  ask: () => Promise<Answer>,
  { keepMs = 250 }: KeepOptions = {},
): () => Promise<Answer> {
  let latest: Promise<Answer> | undefined;
  return () => {
    latest ??= ask().finally(() => {
      setTimeout(() => {
        latest = undefined;
      }, keepMs).unref();
    });
    return latest;
  };
}
