import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import protobuf from 'protobufjs';

export type AttributeValue = string | number | boolean | AttributeValue[];

export interface DecodedSpan {
  traceId: string;
  spanId: string;
  /** Empty for a root. */
  parentSpanId: string;
  traceState: string;
  name: string;
  kind: 'internal' | 'server' | 'client' | 'other';
  startNanos: bigint;
  endNanos: bigint;
  attributes: Record<string, AttributeValue>;
  events: { name: string; attributes: Record<string, AttributeValue> }[];
  status: 'unset' | 'ok' | 'error';
  resource: Record<string, AttributeValue>;
}

export interface ExportRequest {
  path: string;
  headers: NodeJS.Dict<string | string[]>;
  spans: DecodedSpan[];
}

export interface OtlpReceiver {
  /** Base URL, as `OTEL_EXPORTER_OTLP_ENDPOINT` takes it. */
  url: string;
  port: number;
  requests: ExportRequest[];
  /** All spans so far, in the order of their arrival. */
  spans(): DecodedSpan[];
  /** Waits until `enough` says true of the spans so far. */
  waitFor(enough: (spans: DecodedSpan[]) => boolean, timeoutMs?: number): Promise<DecodedSpan[]>;
  close(): Promise<void>;
}

export interface ReceiverOptions {
  /** Answers after the request was decoded; default 200 and an empty response message. */
  answer?: (response: ServerResponse, request: ExportRequest) => void;
}

const root = protobuf.loadSync(fileURLToPath(new URL('otlp.proto', import.meta.url)));
const Request = root.lookupType('otlp.ExportTraceServiceRequest');

/** A collector on a real socket that decodes OTLP/HTTP protobuf. What it cannot decode is answered with 400. */
export async function startOtlpReceiver({ answer = ok }: ReceiverOptions = {}): Promise<OtlpReceiver> {
  const requests: ExportRequest[] = [];
  const server = createServer((request, response) => {
    read(request).then(
      (body) => {
        const seen = { path: request.url ?? '', headers: request.headers, spans: decode(body) };
        requests.push(seen);
        answer(response, seen);
      },
      (error: unknown) => response.writeHead(400).end(String(error)),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  // Listening on TCP, so that the address is an object.
  const { port } = server.address() as AddressInfo;
  const spans = (): DecodedSpan[] => requests.flatMap((request) => request.spans);
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    requests,
    spans,
    async waitFor(enough, timeoutMs = 10_000) {
      const deadline = performance.now() + timeoutMs;
      while (!enough(spans())) {
        if (performance.now() > deadline) {
          throw new Error(
            `spans did not come in time; there are: ${spans()
              .map((span) => span.name)
              .join(', ')}`,
          );
        }
        await sleep(10);
      }
      return spans();
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

export function ok(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end();
}

async function read(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const body = Buffer.concat(chunks);
  return request.headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body;
}

interface Wire {
  resourceSpans?: { resource?: { attributes?: WireAttribute[] }; scopeSpans?: { spans?: WireSpan[] }[] }[];
}
interface WireSpan {
  traceId: Uint8Array;
  spanId: Uint8Array;
  parentSpanId: Uint8Array;
  traceState: string;
  name: string;
  kind: number;
  startTimeUnixNano: string;
  endTimeUnixNano: string;
  attributes: WireAttribute[];
  events: { name: string; attributes: WireAttribute[] }[];
  status?: { code: number } | null;
}
interface WireAttribute {
  key: string;
  value: WireValue;
}
interface WireValue {
  stringValue?: string;
  boolValue?: boolean;
  intValue?: string;
  doubleValue?: number;
  arrayValue?: { values: WireValue[] };
}

function decode(body: Uint8Array): DecodedSpan[] {
  // The shape is the one that otlp.proto declares, in protobufjs' spelling.
  const message = Request.toObject(Request.decode(body), {
    longs: String,
    defaults: true,
    arrays: true,
    oneofs: true,
  }) as Wire;
  return (message.resourceSpans ?? []).flatMap(({ resource, scopeSpans = [] }) =>
    scopeSpans.flatMap(({ spans = [] }) => spans.map((span) => decodeSpan(span, record(resource?.attributes)))),
  );
}

function decodeSpan(span: WireSpan, resource: Record<string, AttributeValue>): DecodedSpan {
  return {
    traceId: hex(span.traceId),
    spanId: hex(span.spanId),
    parentSpanId: hex(span.parentSpanId),
    traceState: span.traceState,
    name: span.name,
    kind: (['other', 'internal', 'server', 'client'] as const)[span.kind] ?? 'other',
    startNanos: BigInt(span.startTimeUnixNano),
    endNanos: BigInt(span.endTimeUnixNano),
    attributes: record(span.attributes),
    events: span.events.map(({ name, attributes }) => ({ name, attributes: record(attributes) })),
    status: (['unset', 'ok', 'error'] as const)[span.status?.code ?? 0] ?? 'unset',
    resource,
  };
}

function record(attributes: WireAttribute[] = []): Record<string, AttributeValue> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, plain(value)]));
}

function plain(value: WireValue): AttributeValue {
  if (value.arrayValue !== undefined) return value.arrayValue.values.map(plain);
  if (value.intValue !== undefined) return Number(value.intValue);
  return value.stringValue ?? value.boolValue ?? value.doubleValue ?? '';
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
