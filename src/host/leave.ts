/** Aborts with the call's signal, or when the reply is given up before its end. */
export interface Leave {
  readonly signal: AbortSignal;
  /** The reply is not wanted any more. */
  leave: () => void;
}

export function leaveOf(signal: AbortSignal): Leave {
  const controller = new AbortController();
  // Why says whether it was the caller who has left.
  const aborted = (): void => controller.abort(signal.reason);
  // Both signals live as long as the call.
  if (signal.aborted) aborted();
  else signal.addEventListener('abort', aborted, { once: true });
  return { signal: controller.signal, leave: () => controller.abort() };
}
