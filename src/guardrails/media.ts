/** How a body is read. `sniff`: nobody says what it is, so its bytes decide. */
export type Reader = 'json' | 'form' | 'multipart' | 'text' | 'binary' | 'sniff';

export interface MediaType {
  readonly reader: Reader;
  /** Of a stream of events: what they are written in. `sse`: `text/event-stream`. `json`: JSON values in lines. */
  readonly events: 'sse' | 'json' | undefined;
  /** Type and subtype, lower case; empty when there is none. */
  readonly type: string;
  /** `charset` parameter, lower case. */
  readonly charset: string | undefined;
  /** `boundary` parameter. */
  readonly boundary: string | undefined;
  /** Whether one reader may take it for this and another for that: a charset or boundary given twice or in extended form. */
  readonly isAmbiguous: boolean;
}

const TEXT_TYPES = new Set([
  'application/xml',
  'application/xhtml+xml',
  'application/javascript',
  'application/ecmascript',
  'application/yaml',
  'application/x-yaml',
  'application/toml',
  'application/graphql',
  'application/sql',
  'application/x-sh',
  'application/rtf',
  'message/rfc822',
  'message/http',
]);

const BINARY_TYPES = new Set([
  'application/octet-stream',
  'application/pdf',
  'application/zip',
  'application/gzip',
  'application/x-gzip',
  'application/x-tar',
  'application/x-7z-compressed',
  'application/x-bzip2',
  'application/zstd',
  'application/wasm',
  'application/msword',
  'application/protobuf',
  'application/x-protobuf',
  'application/proto',
  'application/cbor',
  'application/msgpack',
  'application/x-msgpack',
  'application/avro',
  'application/vnd.apache.parquet',
  'application/vnd.apache.arrow.stream',
]);

function readerOf(type: string): Reader {
  if (type === '') return 'sniff';
  // Messages in envelopes, whatever they are written in.
  if (/^application\/(?:grpc(?:-web)?|connect)(?:\+|$)/.test(type)) return 'binary';
  // Whatever a vendor calls it: `+json`, `x-ndjson`, `vnd.ms-json`, `json+zip`.
  if (/\/.*json/.test(type) || type === 'application/csp-report') return 'json';
  if (type === 'application/x-www-form-urlencoded') return 'form';
  if (type.startsWith('multipart/')) return 'multipart';
  if (type.startsWith('text/') || TEXT_TYPES.has(type) || type.endsWith('+xml') || type.endsWith('+yaml'))
    return 'text';
  if (BINARY_TYPES.has(type) || /^(image|audio|video|font|model)\//.test(type)) return 'binary';
  if (/\+(proto|cbor|zip|gzip|protobuf)$/.test(type)) return 'binary';
  if (/^application\/vnd\.(openxmlformats|oasis|ms-|android)/.test(type)) return 'binary';
  return 'sniff';
}

const JSON_LINES = /^application\/(?:x-)?(?:ndjson|jsonl|jsonlines|json-seq|stream\+json)$/;

function eventsOf(type: string): MediaType['events'] {
  if (type === 'text/event-stream') return 'sse';
  return JSON_LINES.test(type) ? 'json' : undefined;
}

const UNKNOWN: MediaType = {
  reader: 'sniff',
  events: undefined,
  type: '',
  charset: undefined,
  boundary: undefined,
  isAmbiguous: false,
};

/** Clients send the same few again and again; bounded, since they choose them. */
const parsed = new Map<string, MediaType>();

/**
 * Reads a Content-Type (RFC 9110 §8.3.1). SVG is text although it is an image; a type that nobody knows is `sniff`, and so
 * is one that cannot be read.
 */
export function parseMediaType(contentType: string | undefined): MediaType {
  if (contentType === undefined) return UNKNOWN;
  const known = parsed.get(contentType);
  if (known !== undefined) return known;
  const type = /^\s*([\w!#$&^.+-]+\/[\w!#$&^.+*-]+)\s*(?:;|$)/.exec(contentType)?.[1]?.toLowerCase() ?? '';
  const media: MediaType = {
    reader: readerOf(type),
    events: eventsOf(type),
    type,
    charset: parameter(contentType, 'charset')?.toLowerCase(),
    boundary: parameter(contentType, 'boundary'),
    isAmbiguous: isAmbiguous(contentType),
  };
  if (parsed.size >= 256) parsed.clear();
  if (contentType.length <= 256) parsed.set(contentType, media);
  return media;
}

function isAmbiguous(contentType: string): boolean {
  const names = Array.from(
    contentType.matchAll(/(?:^|[;,\s])(charset|boundary)(\*?)\d*\*?\s*=/gi),
    ([, name, star]) => {
      return `${name?.toLowerCase()}${star}`;
    },
  );
  return names.some((name) => name.endsWith('*')) || new Set(names).size < names.length;
}

/** Value of a header parameter, unquoted; the first one when it is given twice. Linear. */
export function parameter(value: string, name: string): string | undefined {
  const pattern = /;\s*([^\s=;"]{1,64})\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;]*))/g;
  for (const [, key, quoted, bare] of value.slice(0, 8192).matchAll(pattern)) {
    if (key?.toLowerCase() === name) return quoted === undefined ? bare : quoted.replace(/\\(.)/g, '$1');
  }
  return undefined;
}
