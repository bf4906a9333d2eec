import type { Call } from '../call.ts';
import type { Engines } from '../guardrails/engine.ts';
import type { Hit, Surface } from '../guardrails/rule.ts';
import type { Unreadable } from '../guardrails/unreadable.ts';
import type { AuditSink } from '../ledger/port.ts';
import type { Budget } from './body-budget.ts';
import type { Turns } from './guard-turns.ts';
import type { Voice } from './guard-voice.ts';
import type { Webhook, WebhookFailure } from './guard-webhook.ts';

export interface GuardSettings {
  /** What becomes of what cannot be read. Undefined: text is blocked, what is declared binary passes. */
  readonly onUnreadable: 'block' | 'pass' | undefined;
  /** Lower-case names of the headers whose values are inspected, in requests and replies. */
  readonly headers: readonly string[];
  /** Milliseconds after which what little a silent stream holds back is given. */
  readonly streamHoldMs: number;
}

/** The rules that are in force at one moment. */
export interface GuardState {
  readonly engines: Engines;
  readonly settings: GuardSettings;
  /** Rules that ask an endpoint, of one surface, in order. */
  readonly webhooks: (surface: Surface) => readonly Webhook[];
}

/** Told of every decision, with the audit row. Methods, so that an observer of some kind of call serves where any is meant. */
export interface GuardObserver<C extends Call> {
  onHit?(hit: Hit, surface: Surface, call: C): void;
  onUnreadable?(reason: Unreadable, action: 'blocked' | 'passed', surface: Surface, call: C): void;
  onWebhookFailure?(failure: WebhookFailure, surface: Surface, call: C): void;
}

export interface GuardOptions<C extends Call> extends GuardObserver<C> {
  /** Asked once for each call, so that all of it sees the same rules. */
  readonly rules: () => GuardState;
  /** Where requests and their replies belong to. */
  readonly surfaces: { readonly request: Surface; readonly reply: Surface };
  /** How callers of this stack are spoken to. */
  readonly voice: Voice;
  /** Bytes of a body that is read, before and after its content coding is undone. */
  readonly bodyLimit: number;
  /** On whose behalf; in audit rows. */
  readonly actor: string;
  readonly audit: AuditSink;
  readonly now: () => Date;
  /** Bytes of all large bodies that are held at the same time, as sent and decoded; 64 MiB unless told. */
  readonly heldLimit?: number;
}

/** What all calls of one stack have in common. */
export interface GuardShared<C extends Call> {
  readonly options: GuardOptions<C>;
  readonly budget: Budget;
  readonly turns: Turns;
}
