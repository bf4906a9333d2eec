import { STEP, type Steps } from '../guardrails/steps.ts';

/** What a guardrail's endpoint is asked. */
export interface WebhookQuestion {
  /** Name of the rule that asks. */
  readonly rule: string;
  /** `request`, `response`, `a2a` or `mcp`. */
  readonly surface: string;
  /** Name of the agent. */
  readonly agent: string;
  /** As the message has it; null: none. */
  readonly content_type: string | null;
  /** Decoded and in order. JSON: each string, object key and number; forms: each name and value; else the whole text. */
  readonly texts: readonly string[];
}

/** What it answers. Other members are passed over. */
export interface WebhookAnswer {
  readonly action: 'pass' | 'warn' | 'redact' | 'block';
  /** The texts that are meant, exactly as they stand in one of those that were sent. `redact` needs at least one. */
  readonly matches: readonly string[];
}

/** Version of what is sent and understood: the member `version` of the question. */
export const WEBHOOK_VERSION = 1;

/** Each is looked for in all texts. */
export const MOST_MATCHES = 256;

/** The question as JSON, put together in steps: texts may be megabytes. */
export function* encodeQuestion({ texts, ...rest }: WebhookQuestion): Steps<Uint8Array> {
  const head = JSON.stringify({ version: WEBHOOK_VERSION, ...rest });
  const chunks: Uint8Array[] = [];
  let pending = `${head.slice(0, -1)},"texts":[`;
  for (const [index, text] of texts.entries()) {
    if (index > 0) pending += ',';
    pending += '"';
    // Two halves of a pair that are parted come out as two escapes, and mean the same.
    for (let from = 0; from < text.length; from += STEP) {
      pending += JSON.stringify(text.slice(from, from + STEP)).slice(1, -1);
      if (pending.length < STEP) continue;
      chunks.push(Buffer.from(pending));
      pending = '';
      yield;
    }
    pending += '"';
  }
  chunks.push(Buffer.from(`${pending}]}`));
  return Buffer.concat(chunks);
}

const ACTIONS = ['pass', 'warn', 'redact', 'block'] as const;

/** Undefined when the bytes are no answer. */
export function decodeAnswer(bytes: Uint8Array): WebhookAnswer | undefined {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null || !('action' in value)) return undefined;
  const action = ACTIONS.find((candidate) => candidate === value.action);
  const matches: unknown = 'matches' in value ? value.matches : [];
  if (action === undefined || !areTexts(matches) || matches.length > MOST_MATCHES) return undefined;
  if (action === 'redact' && matches.length === 0) return undefined;
  return { action, matches: [...new Set(matches)] };
}

function areTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string' && item !== '');
}
