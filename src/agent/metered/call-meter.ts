import type { ModelCall } from '../../pricing/recognise.ts';
import type { CostReport } from '../cost-report.ts';
import type { BodyObserver } from './observed-body.ts';
import { costReportOf } from './report.ts';
import { type ReplyKind, UsageScanner } from './usage-scanner.ts';

export interface MeteredCall extends ModelCall {
  readonly url: URL;
  readonly startedAt: Date;
  readonly signal: AbortSignal | undefined;
  /** What every event of this meter has. */
  readonly said: Partial<CostReport>;
  /** Who runs the model where its host does not say it. */
  readonly provider: string | undefined;
}

/** Where events go. Each comes as a promise, because its price may have to be loaded; the promise does not reject. */
export type Emit = (report: Promise<CostReport>) => void;

/** One call of a model, from the request to the end of the reply's body: emits one event, or none when nothing was used. */
export class CallMeter implements BodyObserver {
  #call: MeteredCall | undefined;
  readonly #emit: Emit;
  /** Holds the request's body: given up as soon as the reply has named its model. */
  #requestedModel: (() => string | undefined) | undefined;
  #scanner: UsageScanner | undefined;
  /** A reply that failed is free, unless it says otherwise. */
  #isFailure = false;
  readonly #onAbort = (): void => this.end('broken');

  /** `requestedModel`: the model that the request asks for; only called when the reply names none. */
  constructor(call: MeteredCall, { emit, requestedModel }: { emit: Emit; requestedModel: () => string | undefined }) {
    this.#call = call;
    this.#emit = emit;
    this.#requestedModel = requestedModel;
    call.signal?.addEventListener('abort', this.#onAbort);
  }

  replied(kind: ReplyKind, isFailure: boolean): void {
    if (this.#call !== undefined) this.#scanner = new UsageScanner(this.#call.api, kind);
    this.#isFailure = isFailure;
  }

  chunk(bytes: Uint8Array): void {
    this.#scanner?.write(bytes);
    if (this.#scanner?.reading.model !== undefined) this.#requestedModel = undefined;
  }

  end(end: 'complete' | 'broken'): void {
    const call = this.#call;
    if (call === undefined) return;
    this.drop();
    const scanner = this.#scanner;
    this.#scanner = undefined;
    scanner?.end();
    if (this.#isFailure && scanner?.reading.usage === undefined) return;
    const model = scanner?.reading.model ?? call.model ?? this.#requestedModel?.() ?? 'unknown';
    this.#requestedModel = undefined;
    this.#emit(
      costReportOf(call, { model, reading: scanner?.reading, isWhole: end === 'complete' || scanner?.isDone === true }),
    );
  }

  /** Nothing was used: there is no event. */
  drop(): void {
    this.#call?.signal?.removeEventListener('abort', this.#onAbort);
    this.#call = undefined;
  }
}
