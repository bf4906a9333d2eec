import type { Engine } from '../guardrails/engine.ts';
import { type Inspection, inspect, inspectInSteps } from '../guardrails/inspect.ts';
import type { Hit } from '../guardrails/rule.ts';
import type { Head } from './guard-head.ts';
import type { Side } from './guard-side.ts';
import { askWebhooks } from './guard-webhook.ts';

/** Bytes up to which a body is inspected at once; beyond, in turns. */
const SMALL = 65_536;
/** Of rules that are not the default ones, each may take long. */
const MOST_EXTENDED = 16_384;
const LEAST_EXTENDED = 512;

export function isSmall({ isExtended, weight }: Engine, bytes: Uint8Array): boolean {
  if (!isExtended) return bytes.length <= SMALL;
  return bytes.length <= Math.max(LEAST_EXTENDED, Math.min(MOST_EXTENDED, SMALL / weight));
}

export interface Outcome {
  /** The same object when nothing was changed. */
  readonly bytes: Uint8Array;
  readonly hits: readonly Hit[];
}

/**
 * Runs the rules over a whole body in UTF-8, then asks the webhooks. Throws `blocked`, what an unreadable body is refused
 * with, and `cancelled`. `known`: what the rules have found already.
 */
export async function inspectUtf8(side: Side, utf8: Uint8Array, head: Head, known?: Inspection): Promise<Outcome> {
  const { engine, shared, call } = side;
  const { contentType } = head;
  let inspection: Inspection;
  if (known !== undefined) {
    inspection = known;
  } else if (isSmall(engine, utf8)) {
    inspection = inspect(engine, utf8, contentType);
  } else {
    inspection = await shared.turns.run(inspectInSteps(engine, utf8, contentType), utf8.length, call.signal);
  }
  if (inspection.blockedBy !== undefined) side.found(inspection.hits, inspection.blockedBy);
  if (inspection.unreadable !== undefined) side.unreadable(inspection.unreadable);
  const { bytes, hits } = inspection;
  return webhooked(side, { bytes, hits }, contentType);
}

async function webhooked(side: Side, outcome: Outcome, contentType: string | undefined): Promise<Outcome> {
  const webhooks = side.state.webhooks(side.surface);
  if (webhooks.length === 0 || outcome.bytes.length === 0) return outcome;
  const { turns, options } = side.shared;
  const body = { bytes: outcome.bytes, contentType };
  const verdict = await askWebhooks(webhooks, body, {
    surface: side.surface,
    agent: options.actor,
    signal: side.call.signal,
    run: (steps, size, signal) => turns.run(steps, size, signal),
  });
  side.findings.webhookFailures(verdict.failures);
  if (verdict.blockedBy !== undefined) side.found(verdict.hits, verdict.blockedBy);
  return { bytes: verdict.bytes, hits: [...outcome.hits, ...verdict.hits] };
}
