import { randomUUID } from 'node:crypto';
import { callerError, Run } from '../agent/run.ts';
import { AgentError, toAgentError } from '../contract/agent-error.ts';
import { errorFromJson, errorToJson } from '../contract/error-wire.ts';
import type { ErrorJson } from '../contract/gen/outrider/agent/v1/agent_pb.ts';
import type { ExecuteReply } from '../contract/messages.ts';
import { keyConflict } from './key-conflict.ts';
import type { IdempotentRequest, Results } from './ports.ts';
import { type HostStore, interrupted } from './store/store.ts';
import type { StoreNotice } from './store/store-thread.ts';
import type { StoredResult } from './store/thread.ts';

export interface ResultsOptions {
  readonly store: Pick<HostStore, 'results'>;
  readonly notice?: (notice: StoreNotice) => void;
  /** Of a reply as JSON, in characters. Of a larger one it is kept that it was given. */
  readonly maxReply?: number;
}

type Outcome = { reply: ExecuteReply; repeated: boolean };

/** A run under way, and who waits for it. */
interface Shared {
  readonly fingerprint: string;
  readonly outcome: Promise<Outcome>;
  readonly abort: AbortController;
  waiting: number;
}

/**
 * First results by idempotency key, in the host's store. That a run begins is on disk before it does, and its result is before
 * anybody has it. When the caller that began a run leaves, the run goes on as long as others with the same key wait for it, within
 * the deadline of the one that began it.
 *
 * Kept are replies, and errors that say of themselves that a repetition does not help; every other error leaves the key free.
 */
export function results(options: ResultsOptions): Results {
  const { store, notice = () => undefined, maxReply = 2 ** 20 } = options;
  const shared = new Map<string, Shared>();

  /** Never rejects: what cannot be kept is answered all the same, and the key stays taken. */
  const settle = async (run: string, result: StoredResult): Promise<void> => {
    try {
      await store.results.settle(run, result);
    } catch (error) {
      const small: StoredResult = { state: 'completed', reply: null };
      const kept = result.state === 'completed' && result.reply !== null && (await settled(run, small));
      notice({
        level: 'error',
        message: kept ? 'a reply could not be kept for its idempotency key' : 'the end of a run could not be recorded',
        fields: { code: toAgentError(error).code },
      });
    }
  };
  const settled = (run: string, result: StoredResult): Promise<boolean> =>
    store.results.settle(run, result).then(
      () => true,
      () => false,
    );
  /** Should it fail, the key is taken until its time is over, which runs nothing twice. */
  const release = (run: string): Promise<void> => store.results.release(run).catch(() => undefined);

  const once = async (
    which: IdempotentRequest,
    signal: AbortSignal,
    work: (signal: AbortSignal) => Promise<ExecuteReply>,
  ): Promise<Outcome> => {
    const run = randomUUID();
    const { agentId: agent_id, principal, key, fingerprint } = which;
    const begun = await store.results.begin({ agent_id, principal, key, fingerprint, run }).catch((error: unknown) => {
      void release(run);
      throw toAgentError(error);
    });
    if ('conflict' in begun) throw keyConflict(begun.conflict);
    if (begun.state !== 'fresh') return { reply: replyOf(begun), repeated: true };
    try {
      if (signal.aborted) throw callerError(signal.reason);
      const reply = await work(signal);
      await settle(run, { state: 'completed', reply: textOf(reply, maxReply) });
      return { reply, repeated: false };
    } catch (thrown) {
      const error = toAgentError(thrown);
      if (error.code === 'interrupted') await settle(run, { state: 'interrupted' });
      else if (error.retryable || error.code === 'cancelled') await release(run);
      else await settle(run, { state: 'failed', error: JSON.stringify(errorToJson(error)) });
      throw error;
    }
  };

  return {
    async once(which, signal, work) {
      const scope = JSON.stringify([which.agentId, which.principal, which.key]);
      for (;;) {
        if (signal.aborted) throw callerError(signal.reason);
        let run = shared.get(scope);
        const repeated = run !== undefined;
        if (run === undefined) {
          const abort = new AbortController();
          const outcome = once(which, abort.signal, work).finally(() => shared.delete(scope));
          // Everybody may have left.
          outcome.catch(() => undefined);
          run = { fingerprint: which.fingerprint, outcome, abort, waiting: 0 };
          shared.set(scope, run);
        } else if (run.fingerprint !== which.fingerprint) throw keyConflict('other');
        // Given up by all who waited for it: this caller begins anew when it is over.
        if (run.abort.signal.aborted) {
          await before(
            signal,
            run.outcome.catch(() => undefined),
          );
          continue;
        }
        const outcome = await joined(run, signal);
        return repeated ? { ...outcome, repeated } : outcome;
      }
    },
  };
}

async function joined(run: Shared, signal: AbortSignal): Promise<Outcome> {
  run.waiting++;
  try {
    return await before(signal, run.outcome);
  } finally {
    if (--run.waiting === 0 && signal.aborted) run.abort.abort(callerError(signal.reason));
  }
}

/** The same, but no later than the signal aborts. */
async function before<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  const waiting = new Run(undefined, { signal });
  try {
    return await waiting.until(work);
  } finally {
    waiting.end();
  }
}

/** Null when it is too large. */
function textOf(reply: ExecuteReply, max: number): string | null {
  const text = JSON.stringify(reply);
  return text.length > max ? null : text;
}

function replyOf(result: StoredResult): ExecuteReply {
  if (result.state === 'interrupted') throw interrupted();
  // Both: this module wrote them.
  if (result.state === 'failed') throw errorFromJson(JSON.parse(result.error) as ErrorJson);
  if (result.reply === null) {
    throw new AgentError('conflict', 'the request of this idempotency key has completed; its reply is not kept', {
      details: { completed: true },
    });
  }
  return JSON.parse(result.reply) as ExecuteReply;
}
