import { cancelBody, readBody } from '../body.ts';
import type { Reply, Service } from '../call.ts';
import { getField } from '../fields.ts';
import type { PendingBatch, PendingRow, Stream } from './records.ts';
import type { RejectedRow } from './shipping.ts';

/** How one request to the ledger ended. */
type Answer =
  | { readonly kind: 'taken' }
  /** Will never be taken as it is. */
  | { readonly kind: 'refused'; readonly status: number }
  /** This path or method does not exist there. */
  | { readonly kind: 'absent'; readonly status: number }
  /** Later, perhaps; `reason` is short and names no secret. */
  | { readonly kind: 'failed'; readonly reason: string; readonly retryAfterMs: number | undefined };

/** How far a delivery came. `failed` is why it stopped before its end. */
export interface Delivery {
  readonly through: Partial<Record<Stream, number>>;
  readonly shipped: number;
  readonly rejected: readonly RejectedRow[];
  readonly failed?: Extract<Answer, { kind: 'failed' }>;
}

export interface LedgerClient {
  /** Everything in one request. */
  batch(rows: PendingBatch, signal: AbortSignal): Promise<Answer>;
  /** Row by row, each stream in its order, the two beside each other; goes on behind a row that is refused for good. */
  singles(rows: PendingBatch, signal: AbortSignal): Promise<Delivery>;
}

/**
 * A ledger need not be ours, so these count whatever stands in the body. Web servers, proxies and pages to sign in on answer
 * 200 to everything: that counts only with a JSON object. In doubt a row is sent again, because one that comes twice is known
 * by its `event_id`, and one that was never taken would be gone.
 */
const TAKEN = new Set([201, 202, 204]);
const REFUSED = new Set([400, 409, 413, 422]);
const ABSENT = new Set([404, 405, 501]);
const MAX_REPLY = 65_536;
const MAX_RETRY_AFTER_MS = 300_000;

/** Speaks to a ledger. `basePath` stands before `/api/v1`; `token` is its bearer token; `timeoutMs` bounds one request. */
export function createLedgerClient(options: {
  ledger: Service;
  basePath: string;
  token: string | undefined;
  timeoutMs: number;
}): LedgerClient {
  const base = options.basePath.replace(/\/+$/, '');

  const post = async (
    path: string,
    body: string,
    key: string | undefined,
    signal: AbortSignal,
    accept?: (reply: Uint8Array) => boolean,
  ): Promise<Answer> => {
    const bytes = Buffer.from(body);
    const headers = ['Content-Type', 'application/json', 'Accept', 'application/json'];
    if (options.token !== undefined) headers.push('Authorization', `Bearer ${options.token}`);
    if (key !== undefined) headers.push('Idempotency-Key', key);
    const timeout = AbortSignal.timeout(options.timeoutMs);
    const either = AbortSignal.any([signal, timeout]);
    try {
      const call = { method: 'POST', target: `${base}/api/v1/${path}`, headers, body: bytes, signal: either };
      return await settled(options.ledger(call), either, (reply) => classify(reply, accept));
    } catch (error) {
      if (timeout.aborted)
        return { kind: 'failed', reason: 'the ledger did not answer in time', retryAfterMs: undefined };
      return { kind: 'failed', reason: `the ledger cannot be reached${codeOf(error)}`, retryAfterMs: undefined };
    }
  };

  return {
    batch(rows, signal) {
      const count = rows.costs.length + rows.audit.length;
      const body = `{"costs":[${bodies(rows.costs)}],"audit":[${bodies(rows.audit)}]}`;
      // Something that answers 200 to every path must not make rows disappear: a ledger says how many it has taken.
      return post('batch', body, undefined, signal, (reply) => acceptedCount(reply) === count);
    },

    async singles(rows, signal) {
      const lane = async (stream: Stream): Promise<Delivery> => {
        const rejected: RejectedRow[] = [];
        let through: number | undefined;
        let shipped = 0;
        let failed: Delivery['failed'];
        for (const row of rows[stream]) {
          const answer = await post(stream, row.body, headerSafe(row.event_id), signal);
          if (answer.kind === 'failed') failed = answer;
          if (answer.kind === 'absent')
            failed = { kind: 'failed', reason: saying(answer.status), retryAfterMs: undefined };
          if (failed !== undefined) break;
          if (answer.kind === 'refused') rejected.push({ stream, row, status: answer.status });
          else shipped++;
          through = row.id;
        }
        return {
          through: through === undefined ? {} : { [stream]: through },
          shipped,
          rejected,
          ...(failed && { failed }),
        };
      };
      const [costs, audit] = await Promise.all([lane('costs'), lane('audit')]);
      const failed = costs.failed ?? audit.failed;
      return {
        through: { ...costs.through, ...audit.through },
        shipped: costs.shipped + audit.shipped,
        rejected: [...costs.rejected, ...audit.rejected],
        ...(failed && { failed }),
      };
    },
  };
}

async function classify(reply: Reply, accept: ((reply: Uint8Array) => boolean) | undefined): Promise<Answer> {
  const { status } = reply;
  if (status >= 200 && status < 300 && accept !== undefined) {
    return accept(await readBody(reply.body, MAX_REPLY)) ? { kind: 'taken' } : { kind: 'absent', status };
  }
  // Read to its end when it is short, so that the connection can be used again.
  const body = await readBody(reply.body, MAX_REPLY).catch(() => undefined);
  if (TAKEN.has(status) || (status === 200 && isJsonObject(body))) return { kind: 'taken' };
  if (status >= 200 && status < 300) {
    const reason = `what answers is no ledger (${status} ${status === 200 ? 'without a JSON object' : 'to a row'})`;
    return { kind: 'failed', reason, retryAfterMs: undefined };
  }
  if (REFUSED.has(status)) return { kind: 'refused', status };
  if (ABSENT.has(status)) return { kind: 'absent', status };
  return { kind: 'failed', reason: saying(status), retryAfterMs: retryAfter(getField(reply.headers, 'retry-after')) };
}

/** False for what was too long or broke off. */
function isJsonObject(body: Uint8Array | undefined): boolean {
  const value = body === undefined ? undefined : parsed(body);
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** What `read` makes of the reply, unless `signal` aborts first: then nothing waits for a service that does not listen to it. */
function settled(reply: Promise<Reply>, signal: AbortSignal, read: (reply: Reply) => Promise<Answer>): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const abort = (): void => {
      reject(signal.reason instanceof Error ? signal.reason : new Error('aborted'));
      // A reply that comes after all is given up.
      void reply.then((late) => cancelBody(late.body)).catch(() => undefined);
    };
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    reply
      .then((arrived) => (signal.aborted ? undefined : read(arrived).then(resolve)))
      .catch(reject)
      .finally(() => signal.removeEventListener('abort', abort));
  });
}

function bodies(rows: readonly PendingRow[]): string {
  return rows.map((row) => row.body).join(',');
}

function acceptedCount(reply: Uint8Array): unknown {
  // Any JSON value may have members asked for, except null.
  return (parsed(reply) as { accepted?: unknown } | null | undefined)?.accepted;
}

/** The value of a JSON text; undefined when it is none. */
function parsed(text: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(text).toString());
  } catch {
    return undefined;
  }
}

/** Leading and trailing spaces do not survive in a header; the id in the body is what counts. */
function headerSafe(eventId: string): string | undefined {
  return eventId === eventId.trim() ? eventId : undefined;
}

function saying(status: number): string {
  return `the ledger answered ${status}`;
}

/** The machine-readable part of a transport error, such as ` (ECONNREFUSED)`; its message could name more than it should. */
function codeOf(error: unknown): string {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if ('code' in cause && typeof cause.code === 'string' && /^E[A-Z]+$/.test(cause.code)) return ` (${cause.code})`;
  }
  return '';
}

/** RFC 9110 §10.2.3: seconds or a date. */
function retryAfter(value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  const ms = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - Date.now();
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(ms, 0), MAX_RETRY_AFTER_MS);
}
