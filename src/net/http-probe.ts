import { type KeepOptions, keptAnswer } from './kept-answer.ts';
import { statusOf } from './status-of.ts';

/** From the question to its answer: below the 2 s within which an open endpoint answers. */
const TIMEOUT_MS = 1_800;

/** Tells whether a GET of the URL is answered with 2xx or 3xx in time. Redirects are not followed. */
export function httpProbe(
  url: string,
  { timeoutMs = TIMEOUT_MS, ...keep }: KeepOptions & { timeoutMs?: number } = {},
): () => Promise<boolean> {
  const ask = async (): Promise<boolean> => {
    try {
      const status = await statusOf(url, timeoutMs);
      return status >= 200 && status < 400;
    } catch {
      // Refused, reset, too late, or not HTTP: all the same to whoever asks.
      return false;
    }
  };
  return keptAnswer(ask, keep);
}
