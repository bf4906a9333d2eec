import type { Reply } from '../call.ts';
import type { ErrorCode } from '../errors.ts';
import type { Log } from '../log.ts';
import { CONTENT_TYPE, exposition, type Family } from './exposition.ts';
import { labelledCounter } from './instruments.ts';
import { requestMeters, type SurfaceMeter } from './request-meter.ts';
import { runtimeMetrics } from './runtime.ts';
import type { TracingStatus } from './tracing.ts';

/** Gives its families when they are asked for. One that fails or takes longer than a second is left out of that scrape. */
export type MetricSource = () => readonly Family[] | Promise<readonly Family[]>;

export interface Metrics {
  /** The meter of one surface (`inbound`, `a2a`, `mcp`, `cost`); always the same for the same name. */
  surface(name: string): SurfaceMeter;
  guardHit(hit: { rule: string; action: string; surface: string; count?: number }): void;
  /** Something that rules could not read: why, and whether it was `blocked` or `passed`. */
  guardUnreadable(what: { surface: string; reason: string; action: string }): void;
  /** A rule whose endpoint gave no usable reply. */
  guardWebhookFailure(what: { rule: string; reason: string; action: string }): void;
  /** `peer`: what was asked, by its configured name; `agent` for the agent. */
  upstreamError(peer: string, code: ErrorCode): void;
  /** How a gRPC call ended: the name of its status. HTTP's is 200 for all of them. */
  grpcReply(surface: string, status: string): void;
  /** A request that was refused before it became a call. */
  refused(code: ErrorCode): void;
  observe(source: MetricSource): void;
  /** The reply to `GET /metrics`. */
  render(): Promise<Reply>;
  close(): void;
}

const SOURCE_TIMEOUT_MS = 1_000;

export function createMetrics({ version, log }: { version: string; log: Log }): Metrics {
  const requests = requestMeters();
  const runtime = runtimeMetrics();
  const guard = labelledCounter('rule', 'action', 'surface');
  const unreadable = labelledCounter('surface', 'reason', 'action');
  const webhooks = labelledCounter('rule', 'reason', 'action');
  const upstream = labelledCounter('peer', 'code');
  const refusals = labelledCounter('code');
  const grpc = labelledCounter('surface', 'grpc_status');
  const sources: MetricSource[] = [];

  const own = (): Family[] => [
    {
      name: 'outrider_build_info',
      help: 'Always 1; the version is a label.',
      type: 'gauge',
      samples: [{ labels: { version }, value: 1 }],
    },
    ...requests.families(),
    {
      name: 'outrider_guard_hits_total',
      help: 'Matches of guardrail rules.',
      type: 'counter',
      samples: guard.samples(),
    },
    {
      name: 'outrider_guard_unreadable_total',
      help: 'Bodies that guardrails could not read, or not as what they claim to be.',
      type: 'counter',
      samples: unreadable.samples(),
    },
    {
      name: 'outrider_guard_webhook_failures_total',
      help: 'Questions to the endpoint of a rule without a usable reply.',
      type: 'counter',
      samples: webhooks.samples(),
    },
    {
      name: 'outrider_upstream_errors_total',
      help: 'Calls to the agent, to peers and to MCP servers that gave no reply.',
      type: 'counter',
      samples: upstream.samples(),
    },
    {
      name: 'outrider_refused_requests_total',
      help: 'Requests refused for what they were as HTTP, before anything looked at them.',
      type: 'counter',
      samples: refusals.samples(),
    },
    {
      name: 'outrider_grpc_replies_total',
      help: 'gRPC calls by surface and status.',
      type: 'counter',
      samples: grpc.samples(),
    },
    ...runtime.families(),
  ];

  return {
    surface: (name) => requests.surface(name),
    guardHit: ({ rule, action, surface, count }) => guard.add([rule, action, surface], count),
    guardUnreadable: ({ surface, reason, action }) => unreadable.add([surface, reason, action]),
    guardWebhookFailure: ({ rule, reason, action }) => webhooks.add([rule, reason, action]),
    upstreamError: (peer, code) => upstream.add([peer, code]),
    grpcReply: (surface, status) => grpc.add([surface, status]),
    refused: (code) => refusals.add([code]),
    observe: (source) => void sources.push(source),
    async render() {
      const more = await Promise.all(sources.map((source) => asked(source, log)));
      const body = Buffer.from(exposition([...own(), ...more.flat()]));
      return { status: 200, headers: ['Content-Type', CONTENT_TYPE], body };
    },
    close: () => runtime.close(),
  };
}

async function asked(source: MetricSource, log: Log): Promise<readonly Family[]> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${SOURCE_TIMEOUT_MS} ms`)), SOURCE_TIMEOUT_MS);
  });
  try {
    return await Promise.race([source(), late]);
  } catch (error) {
    log.warn('a source of metrics failed', { error });
    return [];
  } finally {
    clearTimeout(timer);
  }
}

/** What became of the spans. */
export function tracingMetrics(status: () => TracingStatus): MetricSource {
  return () => {
    const { exported, failed, dropped, queued } = status();
    return [
      {
        name: 'outrider_spans_total',
        help: 'Spans by what became of them: exported, failed (refused by the collector) or dropped (never sent).',
        type: 'counter',
        samples: Object.entries({ exported, failed, dropped }).map(([outcome, value]) => ({
          labels: { outcome },
          value,
        })),
      },
      {
        name: 'outrider_spans_queued',
        help: 'Spans that wait to be sent or are being sent.',
        type: 'gauge',
        samples: [{ value: queued }],
      },
    ];
  };
}

/** What has not been shipped to the ledger, and what is lost or refused. The shapes are those of the ledger's own status. */
export function ledgerMetrics(
  store: () => {
    used_bytes: number;
    queued: number;
    costs_recorded_total: number;
    audit_lost_total: number;
    refused_total: number;
  },
  outbox?: () => {
    reachable: boolean;
    pending: number;
    oldest_age_seconds: number;
    rejected: number;
    failures_total: number;
  },
): MetricSource {
  return () => {
    const { used_bytes, queued, costs_recorded_total, audit_lost_total, refused_total } = store();
    const families = [
      single('outrider_ledger_used_bytes', 'gauge', 'Size of what the local database holds.', used_bytes),
      single('outrider_ledger_queued_rows', 'gauge', 'Rows that wait to be written to disk.', queued),
      single('outrider_costs_recorded_total', 'counter', 'Cost events on disk.', costs_recorded_total),
      single('outrider_audit_lost_total', 'counter', 'Audit rows that could not be written.', audit_lost_total),
      single('outrider_ledger_refused_total', 'counter', 'Events refused for lack of room.', refused_total),
    ];
    if (outbox === undefined) return families;
    const { reachable, pending, oldest_age_seconds, rejected, failures_total } = outbox();
    return [
      ...families,
      single('outrider_outbox_reachable', 'gauge', '1 while the ledger takes rows.', reachable ? 1 : 0),
      single('outrider_outbox_pending_rows', 'gauge', 'Rows that were not shipped yet.', pending),
      single(
        'outrider_outbox_oldest_age_seconds',
        'gauge',
        'Age of the oldest row not shipped yet.',
        oldest_age_seconds,
      ),
      single('outrider_outbox_rejected_rows', 'gauge', 'Rows that the ledger refused for good.', rejected),
      single(
        'outrider_outbox_failures_total',
        'counter',
        'Deliveries that failed and are tried again.',
        failures_total,
      ),
    ];
  };
}

function single(name: string, type: 'counter' | 'gauge', help: string, value: number): Family {
  return { name, type, help, samples: [{ value }] };
}
