import type { Program } from './gather.ts';
import { HOST_ONLY } from './host-variables.ts';
import type { Variable } from './variable.ts';
import { VARIABLES, type VariableName } from './variables.ts';

/** Those of a sidecar that mean the same to a host. */
const SHARED: ReadonlySet<VariableName> = new Set([
  'OUTRIDER_ALLOW_NO_AUTH',
  'OUTRIDER_DATA_DIR',
  'OUTRIDER_LOG_LEVEL',
  'OUTRIDER_LOG_FORMAT',
  'OTEL_EXPORTER_OTLP_ENDPOINT',
  'OTEL_EXPORTER_OTLP_HEADERS',
]);

/** Every environment variable that a host reads, but those that the file names and the rest of the standard `OTEL_*`. */
export const HOST_VARIABLES: readonly Variable[] = [
  ...HOST_ONLY,
  {
    name: 'AGENT_AUTH_TOKEN',
    form: 'text',
    description: 'Key of an administrator, as bearer token and as `X-API-Key`',
    secret: true,
  },
  ...VARIABLES.filter(({ name }) => SHARED.has(name)),
];

export const HOST_FILES = ['/etc/outrider/outrider-host.yaml', './outrider-host.yaml'] as const;

export const HOST: Program = {
  variables: HOST_VARIABLES,
  mergedKeys: new Set(['auth', 'otlp_headers']),
  configVariable: 'OUTRIDER_HOST_CONFIG',
  defaultFiles: HOST_FILES,
};
