import { z } from 'zod';
import { headers, httpUrl } from './scalars.ts';

/** Keys of every process that runs for long. */
export const telemetryKeys = {
  otlp_endpoint: httpUrl.optional().describe('As `OTEL_EXPORTER_OTLP_ENDPOINT`, which wins'),
  otlp_headers: headers.default({}).describe('As `OTEL_EXPORTER_OTLP_HEADERS`, which wins'),
  log_level: z.enum(['debug', 'info', 'warn', 'error']).default('info').describe('Least severity that is logged'),
  log_format: z
    .enum(['auto', 'json', 'pretty'])
    .default('auto')
    .describe('`auto`: pretty on a terminal, JSON lines otherwise'),
};
