import { readFile } from 'node:fs/promises';
import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import type { SpanExporter } from '@opentelemetry/sdk-trace';
import type { TracingSettings } from './settings.ts';

/** The official OTLP/HTTP exporter, and a way to end its connections without waiting for the collector. */
export async function otlpExporter(settings: TracingSettings): Promise<{ exporter: SpanExporter; cut: () => void }> {
  const { url, timeoutMs, compression, headers, batch } = settings;
  const tls = await certificates(settings.tls);
  // One connection: batches go one after the other.
  const agent = url.startsWith('https:')
    ? new HttpsAgent({ keepAlive: true, ...tls })
    : new HttpAgent({ keepAlive: true });
  const config = {
    url,
    headers: { ...headers },
    timeoutMillis: timeoutMs,
    compression,
    // At shutdown all batches are sent at once; with fewer places some would be refused.
    concurrencyLimit: Math.max(30, Math.ceil(batch.queue / batch.size) + 1),
    httpAgentOptions: () => agent,
  };
  return {
    // The configuration's only difference is `compression`, for which the package wants an enum of the same two words.
    exporter: new OTLPTraceExporter(config as ConstructorParameters<typeof OTLPTraceExporter>[0]),
    cut(): void {
      // A retry that comes after this must not open a connection again.
      agent.createConnection = refuse;
      agent.destroy();
    },
  };
}

function refuse(): never {
  throw new Error('tracing has been shut down');
}

type Certificates = { ca?: Buffer; cert?: Buffer; key?: Buffer };

async function certificates(files: TracingSettings['tls']): Promise<Certificates> {
  const loaded: Certificates = {};
  if (files.ca !== undefined) loaded.ca = await readFile(files.ca);
  if (files.cert !== undefined) loaded.cert = await readFile(files.cert);
  if (files.key !== undefined) loaded.key = await readFile(files.key);
  return loaded;
}
