import { parseAddress } from './address.ts';
import type { InboundCall, Service } from './call.ts';
import type { Plan } from './deploy/plan.ts';
import { admission } from './endpoints/admission.ts';
import { ByteBudget } from './endpoints/byte-budget.ts';
import { router } from './endpoints/router.ts';
import { OutriderError } from './errors.ts';
import { rescue } from './layers/rescue.ts';
import type { Log } from './log.ts';
import { drained } from './net/drained.ts';
import { listen } from './net/server.ts';
import type { TlsIdentity } from './net/tls-server.ts';
import { jsonReply } from './problem.ts';
import { Stack } from './stack.ts';

export interface WebhookOptions {
  readonly address: string;
  readonly tls: TlsIdentity;
  /** What is injected where a pod says nothing else. */
  readonly plan: Plan;
  /** Of the annotations that are the platform's, those that pods may have. */
  readonly allowAnnotations: ReadonlySet<string>;
  readonly log: Log;
}

export interface Webhook {
  readonly port: number;
  /** New connections get this certificate; those that are open go on. Throws when it cannot be used: then the old one stays. */
  renew(tls: TlsIdentity): void;
  /** Lets reviews under way finish, for `DRAIN_MS` at most. */
  close(): Promise<void>;
}

/** Longer than an API server waits (`timeoutSeconds` is 30 at most, 5 in our configuration). */
const DRAIN_MS = 6_000;

/**
 * Anybody in the cluster may reach the port, so what all callers hold together has a bound, well within the memory that the manifest grants
 * (256Mi). Reviews are mostly some ten KiB; an API server opens a connection for each that is under way.
 */
const MOST_ARRIVING_BYTES = 32 * 2 ** 20;
const MOST_CONNECTIONS = 512;
/** What is slower than this is answered to nobody. */
const REQUEST_MS = 10_000;

/** The admission webhook: `/mutate` for pods with the label, `/mutate/namespace` for whole namespaces, `/health`, `/ready`. */
export async function startWebhook({ address, tls, plan, allowAnnotations, log }: WebhookOptions): Promise<Webhook> {
  const parsed = parseAddress(address);
  if (parsed === undefined) throw new OutriderError('bad_request', `--addr: expected HOST:PORT, not ${address}`);
  let draining = false;
  const budget = new ByteBudget(MOST_ARRIVING_BYTES);
  const mutate = (wholeNamespace: boolean): Service =>
    admission({
      budget,
      plan,
      allowAnnotations,
      wholeNamespace,
      onDecision({ result, namespace, pod, why }, milliseconds) {
        log[result === 'denied' ? 'warn' : 'info']('pod reviewed', {
          result,
          namespace,
          pod,
          why,
          duration_ms: Math.round(milliseconds * 100) / 100,
        });
      },
    });
  const service = Stack.empty<InboundCall>()
    .add(
      rescue({
        onError(error) {
          log[error.code === 'internal' ? 'error' : 'warn']('a review failed', { code: error.code, error });
        },
      }),
    )
    .serve(
      router<InboundCall>([
        { method: 'POST', path: '/mutate', service: mutate(false) },
        { method: 'POST', path: '/mutate/namespace', service: mutate(true) },
        { method: 'GET', path: '/health', service: async () => jsonReply(200, { status: 'ok' }) },
        {
          method: 'GET',
          path: '/ready',
          async service() {
            if (draining) throw new OutriderError('draining', 'shutting down');
            return jsonReply(200, { status: 'ready' });
          },
        },
      ]),
    );
  const listener = await listen(service, parsed, {
    name: 'webhook, --addr',
    maxHeaderBytes: 16_384,
    headerTimeoutMs: REQUEST_MS,
    requestTimeoutMs: REQUEST_MS,
    maxConnections: MOST_CONNECTIONS,
    idleTimeoutMs: 30_000,
    tls,
  });
  return {
    port: listener.port,
    renew: (identity) => listener.renew(identity),
    async close() {
      draining = true;
      await drained(listener, DRAIN_MS);
      await listener.close();
    },
  };
}
