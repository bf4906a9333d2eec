import { readBody } from '../body.ts';
import type { Call, Service } from '../call.ts';
import { OutriderError } from '../errors.ts';
import { type Fields, getField } from '../fields.ts';
import { costAttributes } from '../protocols/attributes.ts';
import type { Traced } from '../span.ts';
import { parseCostEvent } from './cost-event.ts';
import { parseJson, unquoteKey } from './fields.ts';
import type { CostRecorder } from './port.ts';

const MAX_BODY = 65_536;

export interface CostServiceOptions {
  readonly recorder: CostRecorder;
  /** What an event gets that does not say it itself. */
  readonly defaults: { readonly agent: string; readonly agent_version: string | null; readonly team: string | null };
  readonly now?: () => Date;
}

/**
 * `POST /cost`: 202 once the event is on disk, whether it is new or was recorded before. Throws `bad_request` (every fault named),
 * `method_not_allowed`, `body_too_large`, and what the recorder throws.
 */
export function createCostService({
  recorder,
  defaults,
  now = () => new Date(),
}: CostServiceOptions): Service<Call & Traced> {
  return async (call) => {
    if (call.method !== 'POST') {
      throw new OutriderError('method_not_allowed', 'cost events are posted', { details: { allow: ['POST'] } });
    }
    const body = parseJson(await readBody(call.body, MAX_BODY));
    const event = parseCostEvent(
      body,
      { ...defaults, trace_id: traceOf(call.headers), now: now().toISOString() },
      unquoteKey(getField(call.headers, 'idempotency-key')),
    );
    call.span?.set(costAttributes(event));
    await recorder.recordCost(event);
    return {
      status: 202,
      headers: ['Content-Type', 'application/json'],
      body: Buffer.from(JSON.stringify({ status: 'recorded', event_id: event.event_id })),
    };
  };
}

/** The trace id of a W3C `traceparent` header, when there is a valid one. */
function traceOf(headers: Fields): string | null {
  const match = /^[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}/.exec(getField(headers, 'traceparent') ?? '');
  const id = match?.[1];
  return id === undefined || /^0+$/.test(id) ? null : id;
}
