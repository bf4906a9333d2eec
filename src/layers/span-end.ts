import { isStream, onBodyEnd } from '../body.ts';
import type { Reply } from '../call.ts';
import { toOutriderError } from '../errors.ts';
import { endAttributes, statusAttributes } from '../protocols/attributes.ts';
import type { CallSpan } from '../span.ts';

/**
 * The same reply; `span` ends when its body has ended. `failsFrom` is the least status that means failure: 500 for who
 * answers, 400 for who asks (semantic conventions, "HTTP spans", status). A caller who leaves is not a failure.
 */
export function endWithReply(span: CallSpan, reply: Reply, failsFrom: number): Reply {
  const { status, body } = reply;
  span.set(statusAttributes(status));
  if (status >= failsFrom) span.fail(String(status));
  if (!isStream(body)) {
    span.end();
    return reply;
  }
  const watched = onBodyEnd(body, (end, error) => {
    // A caller who leaves while a chunk is awaited breaks the source off, with this code.
    const left = end === 'cancelled' || (end === 'failed' && toOutriderError(error).code === 'cancelled');
    if (left) span.set(endAttributes('cancelled'));
    else if (end === 'failed') {
      span.set(endAttributes('failed'));
      span.fail(toOutriderError(error).code);
    }
    span.end();
  });
  return { ...reply, body: watched };
}

/** Ends `span` for work that gave no reply. */
export function endWithError(span: CallSpan, thrown: unknown): void {
  const { code } = toOutriderError(thrown);
  if (code === 'cancelled') span.set(endAttributes('cancelled'));
  else span.fail(code);
  span.end();
}
