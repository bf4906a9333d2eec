import { hostname } from 'node:os';
import {
  defaultResource,
  detectResources,
  type Resource,
  resourceFromAttributes,
  serviceInstanceIdDetector,
} from '@opentelemetry/resources';
import type { TracingSettings } from './settings.ts';
import type { TracingOptions } from './tracing.ts';

/**
 * Who sends the spans. The service's name comes from `OTEL_SERVICE_NAME`, else `OTEL_RESOURCE_ATTRIBUTES`, else the agent.
 * Two of the SDK's detectors are left out: the one for the process publishes the whole command line, and under `run` that
 * is the agent's; the one for the host wants a machine id and complains in containers, which have none.
 */
export function resourceOf(
  settings: Pick<TracingSettings, 'resource' | 'serviceName'>,
  { serviceName, serviceVersion }: Pick<TracingOptions, 'serviceName' | 'serviceVersion'>,
): Resource {
  const ours = resourceFromAttributes({
    'host.name': hostname(),
    'service.name': serviceName,
    ...(serviceVersion !== undefined && { 'service.version': serviceVersion }),
  });
  const theirs = resourceFromAttributes({
    ...settings.resource,
    ...(settings.serviceName !== undefined && { 'service.name': settings.serviceName }),
  });
  return defaultResource()
    .merge(detectResources({ detectors: [serviceInstanceIdDetector] }))
    .merge(ours)
    .merge(theirs);
}
