import { rpcFailure } from '../protocols/attributes.ts';
import type { CallSpan } from '../span.ts';

/** Marks a span as failed when a JSON-RPC response says so: HTTP knows nothing of it. */
export function failSpan(span: CallSpan | undefined, response: unknown): void {
  if (!span?.recording) return;
  const failure = rpcFailure(response);
  if (failure === undefined) return;
  span.set(failure.attributes);
  span.fail(failure.code);
}
