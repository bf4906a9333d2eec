import type { Call } from '../call.ts';
import { OutriderError } from '../errors.ts';
import type { Engine } from '../guardrails/engine.ts';
import type { Hit, Surface } from '../guardrails/rule.ts';
import type { Tally } from '../guardrails/tally.ts';
import type { Unreadable } from '../guardrails/unreadable.ts';
import { Findings } from './guard-record.ts';
import type { GuardShared, GuardState } from './guard-state.ts';
import { mayPass, unreadableError } from './guard-unreadable.ts';

/** One direction of one call, with the rules that are in force for it. */
export class Side<C extends Call = Call> {
  readonly shared: GuardShared<C>;
  readonly call: C;
  readonly state: GuardState;
  readonly direction: 'request' | 'reply';
  readonly surface: Surface;
  readonly engine: Engine;
  readonly findings: Findings<C>;

  constructor(shared: GuardShared<C>, call: C, state: GuardState, direction: 'request' | 'reply') {
    this.shared = shared;
    this.call = call;
    this.state = state;
    this.direction = direction;
    this.surface = shared.options.surfaces[direction];
    this.engine = state.engines.for(this.surface);
    this.findings = new Findings(shared.options, this.surface, call);
  }

  get limit(): number {
    return this.shared.options.bodyLimit;
  }

  /** Notes that something cannot be read; throws when it must not pass. */
  unreadable(reason: Unreadable, isBinary = false): void {
    const passes = mayPass(this.state.settings.onUnreadable, isBinary);
    this.findings.unreadable(reason, passes ? 'passed' : 'blocked');
    if (!passes) throw unreadableError(reason, this.direction);
  }

  /** Adds what was found; throws when a rule has blocked. */
  found(hits: readonly Hit[], blockedBy: string | undefined): void {
    if (blockedBy !== undefined) {
      this.findings.recordBlock(hits);
      throw blockedError(blockedBy);
    }
    if (hits.length > 0) this.findings.add(hits);
  }

  tallied({ hits, blockedBy }: Tally): void {
    this.found(hits, blockedBy);
  }

  /** In a stream, what is larger than may be held back is not there any more, and cannot pass. */
  unreadableInStream(reason: Unreadable): void {
    if (reason !== 'too_large') {
      this.unreadable(reason);
      return;
    }
    this.findings.unreadable(reason, 'blocked');
    throw unreadableError(reason, this.direction);
  }

  /** A stream is over: what was found in it has left it in the meantime, whatever came after. */
  ended(tally: Tally): void {
    this.findings.add(tally.allHits);
    this.findings.record();
  }

  /** The error of the rule that has blocked a stream. */
  blocked(tally: Tally): OutriderError {
    return blockedError(tally.blockedBy ?? '');
  }

  /** What `hits` would change cannot be changed. */
  refuse(hits: readonly Hit[], reason: string): OutriderError {
    const hit = hits.find(({ action }) => action === 'redact') ?? hits[0];
    // Something was to be changed, so a rule has found something.
    if (hit === undefined) throw new TypeError('a change without a rule');
    this.findings.recordRefusal(hit, reason);
    return blockedError(hit.rule, reason);
  }
}

export function blockedError(rule: string, reason?: string): OutriderError {
  const details = { rule, ...(reason !== undefined && { reason }) };
  return new OutriderError('blocked', `blocked by guardrail ${rule}`, { details });
}
