import { OutriderError } from '../errors.ts';

const TIMEOUTS = new Set(['UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT', 'ETIMEDOUT']);

/** What went wrong on the way to a peer, without its address; the cause keeps the details for the log. */
export function upstreamError(error: unknown, peer: string): OutriderError {
  if (error instanceof OutriderError) return error;
  const code = codeOf(error);
  if (code !== undefined && TIMEOUTS.has(code)) {
    return new OutriderError('timeout', `${peer} did not answer in time`, { cause: error });
  }
  return new OutriderError('unreachable', `${peer} could not be reached`, { cause: error });
}

function codeOf(error: unknown): string | undefined {
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') return error.code;
  return undefined;
}
