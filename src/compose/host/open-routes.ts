import type { InboundCall, Reply, Service } from '../../call.ts';
import { ADMIN_ROLE } from '../../caller.ts';
import { agentOpenApi } from '../../contract/openapi.ts';
import type { Route } from '../../endpoints/router.ts';
import { OutriderError } from '../../errors.ts';
import { countField } from '../../fields.ts';
import type { Serving } from '../../host/grpc-health.ts';
import { healthRoutes } from '../../host/routes.ts';
import { authenticateCaller, type Credentials } from '../../layers/authenticate-caller.ts';
import { loopbackOnly } from '../../layers/loopback-only.ts';
import { jsonReply } from '../../problem.ts';
import { Stack } from '../../stack.ts';
import type { Metrics } from '../../telemetry/metrics.ts';
import { docsPage } from './docs-page.ts';

export interface OpenRoutesOptions {
  readonly version: string;
  readonly serving: Serving;
  readonly metrics: Metrics;
  readonly credentials: () => Credentials | undefined;
}

/** Who may read metrics from elsewhere than this machine. */
const METRICS_ROLE = 'metrics';

/** What a host answers without a credential: that it is there, and how to speak with it. Nothing of it says which agents there are. */
export function openRoutes({ version, serving, metrics, credentials }: OpenRoutesOptions): Route<InboundCall>[] {
  const get = (path: string, service: Service<InboundCall>): Route<InboundCall>[] => [
    { method: 'GET', path, service },
    { method: 'HEAD', path, service },
  ];
  // The same bytes for all: what anybody may ask for, and not read, must not be made anew for each.
  let document: Reply | undefined;
  return [
    ...get('/health', async () => jsonReply(200, { status: 'ok' })),
    ...get('/ready', async () => {
      if (serving.now() === 'serving') return jsonReply(200, { status: 'ready' });
      throw new OutriderError('draining', 'shutting down', { retryAfter: 1 });
    }),
    ...get('/openapi.json', async () => {
      document ??= jsonReply(200, agentOpenApi({ title: 'outrider host', version }));
      return document;
    }),
    ...docsPage(),
    ...get('/metrics', metricsFor(metrics, credentials)),
    ...[...healthRoutes(serving)].map(([path, service]) => ({ path, service })),
  ];
}

/** Open to programs on this machine that came without a detour; for everybody else it takes a role. */
function metricsFor(metrics: Metrics, credentials: OpenRoutesOptions['credentials']): Service<InboundCall> {
  const near = Stack.empty<InboundCall>()
    .add(loopbackOnly)
    .serve(() => metrics.render());
  const far = Stack.empty<InboundCall>()
    .add(authenticateCaller(credentials))
    .serve(({ caller: { roles } }) => {
      if (roles.includes(ADMIN_ROLE) || roles.includes(METRICS_ROLE)) return metrics.render();
      throw new OutriderError('forbidden', `metrics take the role ${METRICS_ROLE}, or ${ADMIN_ROLE}`);
    });
  return async (call) => {
    if (PROXIES.some((name) => countField(call.headers, name) > 0)) return far(call);
    try {
      return await near(call);
    } catch {
      return far(call);
    }
  };
}

/** Whoever adds one of these stands between us and the caller, who may be anywhere. */
const PROXIES = ['forwarded', 'x-forwarded-for', 'x-real-ip', 'via'];
