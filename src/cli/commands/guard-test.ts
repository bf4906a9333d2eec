import { isUtf8 } from 'node:buffer';
import { type Body, readBody } from '../../body.ts';
import type { Call, Reply } from '../../call.ts';
import { stateOf } from '../../compose/guardrails.ts';
import { webhookClients } from '../../compose/webhooks.ts';
import { type OutriderError, toOutriderError } from '../../errors.ts';
import type { Surface } from '../../guardrails/rule.ts';
import { guard } from '../../layers/guard.ts';
import type { GuardState } from '../../layers/guard-state.ts';
import { PROBLEM_VOICE } from '../../layers/guard-voice.ts';
import type { AuditEntry } from '../../ledger/port.ts';
import { EXIT_BLOCKED, type GuardCommandDeps, loadRules, readInput, typeOf } from './guard-input.ts';
import { type Column, formatTable } from './table.ts';

export interface TestOptions {
  readonly config?: string;
  readonly surface: Surface;
  readonly type?: string;
  readonly webhooks?: boolean;
  readonly json?: boolean;
}

/** What would become of a body. Holds no text that a rule found, but what is left of the body. */
export interface TestResult {
  readonly surface: Surface;
  readonly content_type: string | null;
  readonly verdict: 'pass' | 'change' | 'block';
  /** The rule that says no; null when none does, also when it is blocked because it cannot be read. */
  readonly blocked_by: string | null;
  /** With which status a request is refused. */
  readonly status: number | null;
  /** One for each rule that found something; when one blocked, that one alone. */
  readonly findings: readonly Finding[];
  readonly unreadable: readonly { readonly reason: string; readonly action: string }[];
  readonly webhook_failures: readonly { readonly rule: string; readonly reason: string; readonly action: string }[];
  readonly webhooks_not_asked: readonly string[];
}

interface Finding {
  readonly rule: string;
  readonly action: string;
  readonly count: number;
  /** JSON path of the first match; null where there is none. */
  readonly path: string | null;
}

interface Tested {
  readonly result: TestResult;
  /** What would go out; undefined when nothing would. */
  readonly body: Uint8Array | undefined;
}

/** `outrider guard test`: takes a body through the same layer that calls go through, and shows what it does. */
export async function testBody(file: string, options: TestOptions, deps: GuardCommandDeps): Promise<void> {
  const { guard: rules, bodyLimit } = await loadRules(options.config, deps);
  const bytes = await readInput(file, bodyLimit, deps);
  const clients = webhookClients(CONNECT_TIMEOUT_MS);
  try {
    const state = stateOf(rules, clients);
    const tested = await inspectBody(state, bytes, { ...options, type: options.type ?? typeOf(file), bodyLimit });
    if (options.json === true) showJson(tested, deps);
    else show(tested, deps);
    if (tested.result.verdict === 'block') deps.setExitCode(EXIT_BLOCKED);
  } finally {
    await clients.close();
  }
}

const CONNECT_TIMEOUT_MS = 5_000;

interface InspectOptions {
  readonly surface: Surface;
  readonly type: string | undefined;
  readonly webhooks?: boolean;
  readonly bodyLimit: number;
}

async function inspectBody(state: GuardState, bytes: Uint8Array, options: InspectOptions): Promise<Tested> {
  const { surface, type, bodyLimit } = options;
  const asked = options.webhooks === true;
  const rows: AuditEntry[] = [];
  const layer = guard<Call>({
    rules: () => (asked ? state : { ...state, webhooks: () => [] }),
    surfaces: { request: surface, reply: surface },
    voice: PROBLEM_VOICE,
    bodyLimit,
    actor: 'outrider guard test',
    audit: { audit: (row) => void rows.push(row) },
    now: () => new Date(),
  });
  const headers = type === undefined ? [] : ['Content-Type', type];
  const body = bytes.length === 0 ? null : bytes;
  const call: Call = { method: 'POST', target: '/', headers, body: null, signal: new AbortController().signal };
  let out: Body = body;
  let refusal: OutriderError | undefined;
  try {
    // A reply is read as replies are, all else as requests are.
    if (surface === 'response') out = (await layer(call, async () => reply(headers, body))).body;
    else {
      await layer({ ...call, body }, async (patch) => {
        out = 'body' in patch ? (patch.body ?? null) : body;
        return reply([], null);
      });
    }
    out = await readBody(out, Number.MAX_SAFE_INTEGER);
  } catch (thrown) {
    refusal = toOutriderError(thrown);
    if (refusal.code === 'internal') throw thrown;
  }
  const left = refusal === undefined && out instanceof Uint8Array ? out : undefined;
  const rule = refusal?.details?.['rule'];
  const result: TestResult = {
    surface,
    content_type: type ?? null,
    verdict: left === undefined ? 'block' : Buffer.compare(left, bytes) === 0 ? 'pass' : 'change',
    blocked_by: typeof rule === 'string' ? rule : null,
    status: refusal?.status ?? null,
    findings: of(rows, /^guardrail\.(blocked|redacted|warned)$/).map(({ rule, action, count, path }) => ({
      rule: String(rule),
      action: String(action),
      count: Number(count),
      path: typeof path === 'string' ? path : null,
    })),
    unreadable: of(rows, /^guardrail\.unreadable$/).map(({ reason, action }) => ({
      reason: String(reason),
      action: String(action),
    })),
    webhook_failures: of(rows, /^guardrail\.webhook_failed$/).map(({ rule, reason, action }) => ({
      rule: String(rule),
      reason: String(reason),
      action: String(action),
    })),
    webhooks_not_asked: asked ? [] : state.webhooks(surface).map(({ name }) => name),
  };
  return { result, body: left };
}

function reply(headers: readonly string[], body: Body): Reply {
  return { status: 200, headers, body };
}

/** The facts of the audit rows of a type. */
function of(rows: readonly AuditEntry[], type: RegExp): Record<string, unknown>[] {
  return rows.filter((row) => type.test(row.event_type)).map((row) => ({ ...row.metadata }));
}

/** One object; what would go out as text, or, if it is none, in base64. */
function showJson({ result, body }: Tested, { stdout }: GuardCommandDeps): void {
  const out = body === undefined ? { body: null } : isUtf8(body) ? { body: text(body) } : { body_base64: base64(body) };
  stdout.write(`${JSON.stringify({ ...result, ...out })}\n`);
}

function text(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString();
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64');
}

const FINDINGS: readonly Column<Finding>[] = [
  { title: 'rule', value: ({ rule }) => rule },
  { title: 'action', value: ({ action }) => action },
  { title: 'count', value: ({ count }) => count, numeric: true },
  { title: 'path', value: ({ path }) => path },
];

/** The findings on standard error, so that standard output is what would go out, and nothing else. */
function show({ result, body }: Tested, { stdout, stderr }: GuardCommandDeps): void {
  const { surface, findings, unreadable, webhook_failures, webhooks_not_asked } = result;
  if (findings.length > 0) stderr.write(formatTable(FINDINGS, findings));
  for (const { reason, action } of unreadable) stderr.write(`cannot be read (${reason}): ${action}\n`);
  for (const { rule, reason, action } of webhook_failures) {
    stderr.write(`webhook ${rule} gave no usable reply (${reason}): ${action}\n`);
  }
  if (webhooks_not_asked.length > 0) stderr.write(`not asked without --webhooks: ${webhooks_not_asked.join(', ')}\n`);
  stderr.write(`${surface}: ${summary(result)}\n`);
  if (body !== undefined) stdout.write(body);
}

function summary({ verdict, blocked_by, status, findings }: TestResult): string {
  if (verdict === 'block') return blocked_by === null ? `refused with ${status}` : `blocked by guardrail ${blocked_by}`;
  if (verdict === 'change') return 'goes out changed, as follows';
  return findings.length > 0 ? 'goes out as it came, with a warning' : 'goes out as it came';
}
