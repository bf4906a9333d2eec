import type { Environment } from '../environment.ts';
import { revealAll, type Secret } from './secret.ts';

/** Every `OTEL_*` variable, with what the file says of the exporter where the environment says nothing. Holds secrets. */
export function otelEnvironment(
  env: Environment,
  endpoint: string | undefined,
  headers: Readonly<Record<string, Secret>>,
): () => Record<string, string> {
  return () => {
    const standard = Object.entries(env).filter((entry): entry is [string, string] => {
      return entry[0].startsWith('OTEL_') && Boolean(entry[1]);
    });
    const pairs = Object.entries(revealAll(headers)).map(([name, value]) => `${name}=${encodeURIComponent(value)}`);
    return {
      ...Object.fromEntries(standard),
      ...(endpoint !== undefined && { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint }),
      ...(pairs.length > 0 && { OTEL_EXPORTER_OTLP_HEADERS: pairs.join(',') }),
    };
  };
}
