/**
 * The standard OpenTelemetry environment, read into one record. The SDK's classes read none of it themselves.
 * Source: OpenTelemetry specification, "Environment Variable Specification" and "OpenTelemetry Protocol Exporter".
 */
import type { Environment } from '../environment.ts';

export type ExporterName = 'otlp' | 'console';
export type PropagatorName = 'tracecontext' | 'baggage';
export type SamplerName = 'always_on' | 'always_off' | 'traceidratio';

export interface TracingSettings {
  exporters: readonly ExporterName[];
  /** The complete URL that spans are posted to. */
  url: string;
  /** Lower-case names. Values are secrets. */
  headers: Readonly<Record<string, string>>;
  timeoutMs: number;
  compression: 'gzip' | 'none';
  /** PEM files. */
  tls: { ca: string | undefined; cert: string | undefined; key: string | undefined };
  serviceName: string | undefined;
  resource: Readonly<Record<string, string>>;
  sampler: { root: SamplerName; ratio: number; parentBased: boolean };
  batch: { delayMs: number; timeoutMs: number; queue: number; size: number };
  limits: Readonly<Record<LimitName, number | undefined>>;
  propagators: readonly PropagatorName[];
  /** Least severity of the SDK's own messages; undefined: none. */
  diagnostics: 'error' | 'warn' | 'info' | 'debug' | undefined;
}

/** Named as the SDK names them. */
export type LimitName =
  | 'attributeCountLimit'
  | 'attributeValueLengthLimit'
  | 'eventCountLimit'
  | 'linkCountLimit'
  | 'attributePerEventCountLimit'
  | 'attributePerLinkCountLimit';

export interface TracingDefaults {
  /** As `OTEL_EXPORTER_OTLP_ENDPOINT`. */
  endpoint?: string | undefined;
  headers?: Readonly<Record<string, string>> | undefined;
}

/**
 * What the environment asks for, or undefined when nothing is to be traced. Whatever is not understood is told to `warn`
 * and its default taken, as the specification wants; the text never holds a value, which may be a secret.
 */
export function tracingSettings(
  env: Environment,
  defaults: TracingDefaults,
  warn: (message: string) => void,
): TracingSettings | undefined {
  const read = reader(env, warn);
  if (read.flag('OTEL_SDK_DISABLED')) return undefined;
  const endpoint = otlpEndpoint(read, defaults.endpoint);
  let exporters = exporterNames(read, endpoint !== undefined, warn);
  const url = endpoint === undefined ? 'http://localhost:4318/v1/traces' : completeUrl(endpoint, warn);
  if (url === undefined) exporters = exporters.filter((name) => name !== 'otlp');
  if (exporters.length === 0) return undefined;

  const protocol = read.text('OTEL_EXPORTER_OTLP_TRACES_PROTOCOL') ?? read.text('OTEL_EXPORTER_OTLP_PROTOCOL');
  if (protocol !== undefined && protocol !== 'http/protobuf') {
    warn('OTEL_EXPORTER_OTLP_PROTOCOL: only http/protobuf is spoken, and used; collectors take it on port 4318');
  }
  const limit = (specific: string, general: string, least = 0): number | undefined =>
    read.count(specific, least) ?? read.count(general, least);
  const queue = read.count('OTEL_BSP_MAX_QUEUE_SIZE', 1) ?? 2048;
  return {
    exporters,
    url: url ?? '',
    headers: otlpHeaders(read, defaults.headers ?? {}, warn),
    timeoutMs:
      read.count('OTEL_EXPORTER_OTLP_TRACES_TIMEOUT', 1) ?? read.count('OTEL_EXPORTER_OTLP_TIMEOUT', 1) ?? 10_000,
    compression:
      read.oneOf('OTEL_EXPORTER_OTLP_TRACES_COMPRESSION', ['gzip', 'none'] as const) ??
      read.oneOf('OTEL_EXPORTER_OTLP_COMPRESSION', ['gzip', 'none'] as const) ??
      'none',
    tls: {
      ca: read.either('CERTIFICATE'),
      cert: read.either('CLIENT_CERTIFICATE'),
      key: read.either('CLIENT_KEY'),
    },
    serviceName: read.text('OTEL_SERVICE_NAME'),
    resource: resourceAttributes(read.text('OTEL_RESOURCE_ATTRIBUTES'), warn),
    sampler: samplerOf(read, warn),
    batch: {
      delayMs: read.count('OTEL_BSP_SCHEDULE_DELAY') ?? 5_000,
      timeoutMs: read.count('OTEL_BSP_EXPORT_TIMEOUT', 1) ?? 30_000,
      queue,
      size: Math.min(read.count('OTEL_BSP_MAX_EXPORT_BATCH_SIZE', 1) ?? 512, queue),
    },
    limits: {
      attributeCountLimit: limit('OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT', 'OTEL_ATTRIBUTE_COUNT_LIMIT'),
      attributeValueLengthLimit: limit(
        'OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT',
        'OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT',
        1,
      ),
      eventCountLimit: read.count('OTEL_SPAN_EVENT_COUNT_LIMIT'),
      linkCountLimit: read.count('OTEL_SPAN_LINK_COUNT_LIMIT'),
      attributePerEventCountLimit: limit('OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT', 'OTEL_ATTRIBUTE_COUNT_LIMIT'),
      attributePerLinkCountLimit: limit('OTEL_LINK_ATTRIBUTE_COUNT_LIMIT', 'OTEL_ATTRIBUTE_COUNT_LIMIT'),
    },
    propagators: propagatorNames(read, warn),
    diagnostics: diagnosticsLevel(read),
  };
}

interface Reader {
  /** Undefined when unset or blank, which mean the same. */
  text(name: string): string | undefined;
  list(name: string): string[] | undefined;
  flag(name: string): boolean;
  /** A whole number not below `least` (default 0). */
  count(name: string, least?: number): number | undefined;
  oneOf<T extends string>(name: string, values: readonly T[]): T | undefined;
  /** An exporter variable for traces, else the one for all signals. */
  either(suffix: string): string | undefined;
}

function reader(env: Environment, warn: (message: string) => void): Reader {
  const text = (name: string): string | undefined => env[name]?.trim() || undefined;
  return {
    text,
    list: (name) =>
      text(name)
        ?.split(',')
        .map((item) => item.trim())
        .filter((item) => item !== ''),
    flag(name) {
      const value = text(name)?.toLowerCase();
      if (value !== undefined && value !== 'true' && value !== 'false')
        warn(`${name}: expected true or false; taken as false`);
      return value === 'true';
    },
    count(name, least = 0) {
      const value = text(name);
      if (value === undefined) return undefined;
      if (/^\d{1,15}$/.test(value) && Number(value) >= least) return Number(value);
      warn(`${name}: expected a whole number, at least ${least}; the default is used`);
      return undefined;
    },
    oneOf(name, values) {
      const value = text(name);
      const known = values.find((candidate) => candidate === value);
      if (value !== undefined && known === undefined)
        warn(`${name}: expected ${values.join(' or ')}; the default is used`);
      return known;
    },
    either: (suffix) => text(`OTEL_EXPORTER_OTLP_TRACES_${suffix}`) ?? text(`OTEL_EXPORTER_OTLP_${suffix}`),
  };
}

/** Where to post spans, and whether it is the complete URL or the base that the signal's path is added to. */
type Endpoint = { variable: string; text: string; complete: boolean };

function otlpEndpoint(read: Reader, fallback: string | undefined): Endpoint | undefined {
  const traces = read.text('OTEL_EXPORTER_OTLP_TRACES_ENDPOINT');
  if (traces !== undefined) return { variable: 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', text: traces, complete: true };
  const base = read.text('OTEL_EXPORTER_OTLP_ENDPOINT');
  if (base !== undefined) return { variable: 'OTEL_EXPORTER_OTLP_ENDPOINT', text: base, complete: false };
  return fallback === undefined ? undefined : { variable: 'otlp_endpoint', text: fallback, complete: false };
}

function completeUrl({ variable, text, complete }: Endpoint, warn: (message: string) => void): string | undefined {
  const url = URL.parse(text);
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    warn(`${variable}: expected an http:// or https:// URL; no traces are exported`);
    return undefined;
  }
  if (!complete) url.pathname = `${url.pathname.replace(/\/+$/, '')}/v1/traces`;
  return url.href;
}

function exporterNames(read: Reader, hasEndpoint: boolean, warn: (message: string) => void): ExporterName[] {
  const names = read.list('OTEL_TRACES_EXPORTER');
  // The standard default is otlp to localhost; here nothing is traced until somebody says so.
  if (names === undefined) return hasEndpoint ? ['otlp'] : [];
  if (names.includes('none')) return [];
  const known: ExporterName[] = [];
  for (const name of names) {
    if (name === 'otlp' || name === 'console') known.push(name);
    else warn('OTEL_TRACES_EXPORTER: only otlp, console and none are known here; another one is left out');
  }
  return [...new Set(known)];
}

function otlpHeaders(
  read: Reader,
  fallback: Readonly<Record<string, string>>,
  warn: (message: string) => void,
): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(fallback)) headers[name.toLowerCase()] = value;
  for (const variable of ['OTEL_EXPORTER_OTLP_HEADERS', 'OTEL_EXPORTER_OTLP_TRACES_HEADERS']) {
    for (const pair of read.list(variable) ?? []) {
      const cut = pair.indexOf('=');
      const name = decode(pair.slice(0, Math.max(cut, 0)).trim())?.toLowerCase();
      const value = decode(pair.slice(cut + 1).trim());
      if (
        name !== undefined &&
        /^[!#$%&'*+.^_`|~0-9a-z-]+$/.test(name) &&
        value !== undefined &&
        /^[\t\x20-\x7e]+$/.test(value)
      ) {
        headers[name] = value;
      } else {
        warn(`${variable}: expected name=value pairs with commas between, percent-encoded; one pair is left out`);
      }
    }
  }
  return headers;
}

/** Any fault discards the whole value (Resource SDK, "Specifying resource information via an environment variable"). */
function resourceAttributes(text: string | undefined, warn: (message: string) => void): Record<string, string> {
  const attributes: Record<string, string> = {};
  for (const pair of text?.split(',') ?? []) {
    if (pair.trim() === '') continue;
    const [name, value, ...rest] = pair.split('=').map((part) => decode(part.trim()));
    if (!name || value === undefined || rest.length > 0) {
      warn(
        'OTEL_RESOURCE_ATTRIBUTES: expected key=value pairs with commas between, percent-encoded; all of it is left out',
      );
      return {};
    }
    attributes[name] = value;
  }
  return attributes;
}

function samplerOf(read: Reader, warn: (message: string) => void): TracingSettings['sampler'] {
  const name = read.oneOf('OTEL_TRACES_SAMPLER', [
    'always_on',
    'always_off',
    'traceidratio',
    'parentbased_always_on',
    'parentbased_always_off',
    'parentbased_traceidratio',
  ] as const);
  const parentBased = name === undefined || name.startsWith('parentbased_');
  // What is left without the prefix is one of the first three.
  const root = (name?.replace('parentbased_', '') ?? 'always_on') as SamplerName;
  const argument = read.text('OTEL_TRACES_SAMPLER_ARG');
  const ratio = Number(argument ?? 1);
  if (root === 'traceidratio' && !(ratio >= 0 && ratio <= 1)) {
    warn('OTEL_TRACES_SAMPLER_ARG: expected a number from 0 to 1; 1 is used');
    return { root, ratio: 1, parentBased };
  }
  return { root, ratio, parentBased };
}

function propagatorNames(read: Reader, warn: (message: string) => void): PropagatorName[] {
  const names = read.list('OTEL_PROPAGATORS') ?? ['tracecontext', 'baggage'];
  if (names.includes('none')) return [];
  const known: PropagatorName[] = [];
  for (const name of new Set(names)) {
    if (name === 'tracecontext' || name === 'baggage') known.push(name);
    else warn('OTEL_PROPAGATORS: only tracecontext, baggage and none are known here; another one is left out');
  }
  return known;
}

function diagnosticsLevel(read: Reader): TracingSettings['diagnostics'] {
  const level = read.text('OTEL_LOG_LEVEL')?.toLowerCase();
  if (level === 'none') return undefined;
  if (level === 'verbose' || level === 'all') return 'debug';
  return level === 'error' || level === 'info' || level === 'debug' ? level : 'warn';
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
