import type { TraceContext } from '../agent/agent.ts';
import type { InboundCall } from '../call.ts';
import type { Caller } from '../caller.ts';
import { getField } from '../fields.ts';
import type { Traced } from '../span.ts';
import type { HostCall } from './ports.ts';

/** A call as a host's services get it: its layers have said who calls, and by which id. */
export type HostInbound = InboundCall & { readonly caller: Caller; readonly requestId: string } & Traced;

const TRACEPARENT = /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/;
const MAX_TRACESTATE = 512;

/** `signal`: aborts when the caller leaves, or gives up the reply. */
export function hostCall(call: HostInbound, signal: AbortSignal, deadline?: number): HostCall {
  const { caller, requestId } = call;
  const trace = traceOf(call);
  return { caller, requestId, signal, ...(deadline !== undefined && { deadline }), ...(trace && { trace }) };
}

/** The trace that the run goes on with: this host's span, or the caller's own where nothing is traced here. */
function traceOf({ span, headers }: HostInbound): TraceContext | undefined {
  const theirs: string[] = [];
  for (const name of ['traceparent', 'tracestate']) {
    const value = getField(headers, name);
    if (value !== undefined) theirs.push(name, value);
  }
  const fields = span === undefined ? theirs : span.inject(theirs);
  const traceparent = getField(fields, 'traceparent');
  if (traceparent === undefined || !TRACEPARENT.test(traceparent)) return undefined;
  const tracestate = getField(fields, 'tracestate');
  return tracestate === undefined || tracestate.length > MAX_TRACESTATE ? { traceparent } : { traceparent, tracestate };
}
