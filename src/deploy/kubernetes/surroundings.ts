import { getAt } from '../edit.ts';
import { isObject, type Json, objectsOf } from '../json.ts';
import type { Plan } from '../plan.ts';
import type { PublicPort } from '../public-port.ts';
import type { Note } from '../target.ts';
import { type Resource, sameNamespace, selects } from './objects.ts';
import { isAgents, labelsOf, servicesOf } from './services.ts';
import type { Workload } from './workload.ts';

/** What whoever deploys should know of the objects around the workload, which are left alone. */
export function surroundingNotes(
  resources: readonly Resource[],
  workload: Workload,
  port: PublicPort,
  secretName: string,
  plan: Plan,
): Note[] {
  return [
    ...secretNote(resources, workload, secretName, plan),
    ...scrapeNotes(resources, workload, port),
    ...scalerNotes(resources, workload),
  ];
}

function secretNote(resources: readonly Resource[], workload: Workload, name: string, plan: Plan): Note[] {
  const here = resources.some((one) => one.kind === 'Secret' && one.name === name && sameNamespace(one, workload));
  if (here || plan.secrets.length === 0) return [];
  const message = `the pods start when the Secret ${name} is there, with the ${plan.secrets.length === 1 ? 'key' : 'keys'} ${plan.secrets.join(', ')}`;
  return [{ document: workload.document, path: workload.path, message }];
}

function scrapeNotes(resources: readonly Resource[], workload: Workload, port: PublicPort): Note[] {
  const services = servicesOf(resources, workload);
  const moved = services.flatMap(({ data }) =>
    objectsOf(getAt(data, ['spec', 'ports'])).filter((entry) => isAgents(entry['targetPort'] ?? entry['port'], port)),
  );
  return resources
    .filter(({ kind, data }) => {
      const selector = getAt(data, ['spec', 'selector']);
      if (kind === 'PodMonitor' && selects(selector, labelsOf(workload))) {
        return objectsOf(getAt(data, ['spec', 'podMetricsEndpoints'])).some((endpoint) =>
          isAgents(endpoint['portNumber'] ?? endpoint['targetPort'] ?? endpoint['port'], port),
        );
      }
      const watched = services.some((service) => {
        const labels = getAt(service.data, ['metadata', 'labels']);
        return selects(selector, isObject(labels) ? labels : {});
      });
      if (kind !== 'ServiceMonitor' || !watched) return false;
      return objectsOf(getAt(data, ['spec', 'endpoints'])).some((endpoint) =>
        moved.some((entry) => entry['name'] === endpoint['port'] || isAgents(endpoint['targetPort'] ?? null, port)),
      );
    })
    .map(({ kind, name, document, path }) => ({
      document,
      path,
      message: `${kind} ${name} reads the agent's metrics through the sidecar now, which asks for a bearer token: give it one (authorization), or serve metrics on a port of their own`,
    }));
}

function scalerNotes(resources: readonly Resource[], workload: Workload): Note[] {
  return resources
    .filter(({ kind, data }) => {
      const target = getAt(data, ['spec', 'scaleTargetRef']);
      const metrics = objectsOf(getAt(data, ['spec', 'metrics']));
      const simple: Json | undefined = getAt(data, ['spec', 'targetCPUUtilizationPercentage']);
      return (
        kind === 'HorizontalPodAutoscaler' &&
        isObject(target) &&
        target['kind'] === workload.kind &&
        target['name'] === workload.name &&
        (simple !== undefined || metrics.some(({ type }) => type === 'Resource'))
      );
    })
    .map(({ name, document, path }) => ({
      document,
      path,
      message: `HorizontalPodAutoscaler ${name} counts what the sidecar uses as well: a metric of type ContainerResource goes by the agent's container alone`,
    }));
}
