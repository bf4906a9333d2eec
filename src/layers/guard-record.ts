import type { Call } from '../call.ts';
import type { Action, Hit, Surface } from '../guardrails/rule.ts';
import type { Unreadable } from '../guardrails/unreadable.ts';
import type { AuditEntry } from '../ledger/port.ts';
import type { GuardOptions } from './guard-state.ts';
import type { WebhookFailure } from './guard-webhook.ts';

const PAST: Readonly<Record<Action, string>> = { block: 'blocked', redact: 'redacted', warn: 'warned' };

/** Makes what was decided about one direction of a call seen: audit rows, and the observer's metrics and span events. */
export class Findings<C extends Call> {
  readonly #options: GuardOptions<C>;
  readonly #surface: Surface;
  readonly #call: C;
  #hits: Hit[] | undefined;

  constructor(options: GuardOptions<C>, surface: Surface, call: C) {
    this.#options = options;
    this.#surface = surface;
    this.#call = call;
  }

  /** Adds to what was found; a rule that found something in several places counts once, with all its matches. */
  add(hits: readonly Hit[]): void {
    for (const hit of hits) {
      this.#hits ??= [];
      const at = this.#hits.findIndex(({ rule, action }) => rule === hit.rule && action === hit.action);
      const known = this.#hits[at];
      if (known === undefined) this.#hits.push(hit);
      else this.#hits[at] = { ...hit, ...known, count: known.count + hit.count };
    }
  }

  /** One row for each rule that found something since. */
  record(): void {
    const hits = this.#hits;
    this.#hits = undefined;
    for (const hit of hits ?? []) this.#hit(hit, {});
  }

  /** `hits` made an end of it: nothing else came to pass. */
  recordBlock(hits: readonly Hit[]): void {
    this.#hits = undefined;
    for (const hit of hits) this.#hit(hit, {});
  }

  /** What a rule would have had to change could not be changed: `reason` says why. */
  recordRefusal(hit: Hit, reason: string): void {
    this.#hits = undefined;
    this.#hit({ ...hit, action: 'block' }, { reason });
  }

  unreadable(reason: Unreadable, action: 'blocked' | 'passed'): void {
    this.#audit('guardrail.unreadable', 'guardrail/unreadable', { reason, action });
    this.#options.onUnreadable?.(reason, action, this.#surface, this.#call);
  }

  webhookFailures(failures: readonly WebhookFailure[]): void {
    for (const failure of failures) {
      const { rule, reason, action } = failure;
      this.#audit('guardrail.webhook_failed', `guardrail/${rule}`, { rule, reason, action });
      this.#options.onWebhookFailure?.(failure, this.#surface, this.#call);
    }
  }

  #hit(hit: Hit, extra: AuditEntry['metadata']): void {
    const { rule, action, count, path } = hit;
    const facts = { rule, action, count, ...(path !== undefined && { path }), ...extra };
    this.#audit(`guardrail.${PAST[action]}`, `guardrail/${rule}`, facts);
    this.#options.onHit?.(hit, this.#surface, this.#call);
  }

  #audit(event_type: string, resource: string, facts: AuditEntry['metadata']): void {
    const { audit, actor, now } = this.#options;
    const metadata = { ...facts, surface: this.#surface };
    audit.audit({ event_type, actor, resource, metadata, timestamp: now().toISOString() });
  }
}
