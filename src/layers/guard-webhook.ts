import { cancelBody, readBody } from '../body.ts';
import type { Service } from '../call.ts';
import { OutriderError, toOutriderError } from '../errors.ts';
import { CATALOGUE } from '../guardrails/catalogue.ts';
import { createEngine } from '../guardrails/engine.ts';
import { inspectInSteps } from '../guardrails/inspect.ts';
import { quoted } from '../guardrails/regex.ts';
import type { Hit, RuleConfig, Surface } from '../guardrails/rule.ts';
import { finish, type Steps } from '../guardrails/steps.ts';
import { textsOf } from '../guardrails/texts.ts';
import { decodeAnswer, encodeQuestion, type WebhookAnswer } from './guard-webhook-wire.ts';

/** A guardrail that asks an endpoint what to do with a body. */
export interface Webhook {
  readonly name: string;
  /** Path and query of the endpoint. */
  readonly target: string;
  readonly token: string | undefined;
  /** For the whole reply. */
  readonly timeoutMs: number;
  /** What becomes of a body when there is no usable reply. */
  readonly onError: 'block' | 'pass';
  /** Stands in place of what is to be redacted. */
  readonly replace: string;
  /** Reaches the endpoint's origin; follows no redirects. */
  readonly send: Service;
}

/**
 * Why there is no usable reply. `status`: another than 200. `malformed`: no answer as it must be, or it wants to have redacted
 * what was not in the body.
 */
export type WebhookFault = 'timeout' | 'unreachable' | 'status' | 'malformed' | 'too_large';

export interface WebhookFailure {
  readonly rule: string;
  readonly reason: WebhookFault;
  readonly action: 'blocked' | 'passed';
}

export interface WebhookVerdict {
  /** The body to pass on; the same object when nothing was changed. Meaningless when blocked. */
  readonly bytes: Uint8Array;
  /** One for each rule that found something; a rule that blocked makes all others moot. */
  readonly hits: readonly Hit[];
  /** Name of the rule that says no, also because it got no usable reply. */
  readonly blockedBy: string | undefined;
  /** Rules that got no usable reply. To be counted and recorded: this is never silent. */
  readonly failures: readonly WebhookFailure[];
}

export interface WebhookBody {
  /** In UTF-8, as the engine reads it. */
  readonly bytes: Uint8Array;
  readonly contentType: string | undefined;
}

export interface WebhookContext {
  readonly surface: Surface;
  /** Name of the agent. */
  readonly agent: string;
  /** Aborts when the caller has left. */
  readonly signal: AbortSignal;
  /** Does steps on a body of this size, in turns with everything else. Default: all at once. */
  readonly run?: <T>(steps: Steps<T>, size: number, signal: AbortSignal) => Promise<T>;
}

/** Bytes of an answer. */
const ANSWER_LIMIT = 65_536;

/**
 * Asks the rules in order what to do with a body; each sees what the earlier ones left. A body without any text asks nobody.
 * Rejects only with `cancelled`: what goes wrong otherwise follows the rule's `onError` and stands in `failures`.
 */
export async function askWebhooks(
  webhooks: readonly Webhook[],
  body: WebhookBody,
  context: WebhookContext,
): Promise<WebhookVerdict> {
  const hits: Hit[] = [];
  const failures: WebhookFailure[] = [];
  const { contentType } = body;
  let { bytes } = body;
  for (const webhook of webhooks) {
    const judged = await judge(webhook, { bytes, contentType }, context);
    if (judged.fault !== undefined) {
      const blocks = webhook.onError === 'block';
      failures.push({ rule: webhook.name, reason: judged.fault, action: blocks ? 'blocked' : 'passed' });
      if (blocks) return { bytes: body.bytes, hits: [], blockedBy: webhook.name, failures };
      continue;
    }
    if (judged.hit === undefined) continue;
    if (judged.hit.action === 'block') {
      return { bytes: body.bytes, hits: [judged.hit], blockedBy: webhook.name, failures };
    }
    hits.push(judged.hit);
    bytes = judged.bytes;
  }
  return { bytes, hits, blockedBy: undefined, failures };
}

/** What one rule says, or why it says nothing. */
type Judged =
  | { readonly fault: WebhookFault }
  | { readonly fault?: undefined; readonly hit: Hit | undefined; readonly bytes: Uint8Array };

async function judge(webhook: Webhook, body: WebhookBody, context: WebhookContext): Promise<Judged> {
  const { bytes, contentType } = body;
  const run = context.run ?? ((steps) => Promise.resolve(finish(steps)));
  const texts = await run(textsOf(bytes, contentType), bytes.length, context.signal);
  if (texts.length === 0) return { hit: undefined, bytes };
  const { name: rule } = webhook;
  const { surface, agent } = context;
  const question = { rule, surface, agent, content_type: contentType ?? null, texts };
  const answer = await ask(webhook, await run(encodeQuestion(question), bytes.length, context.signal), context.signal);
  if (typeof answer === 'string') return { fault: answer };
  const { action, matches } = answer;
  if (action === 'pass') return { hit: undefined, bytes };
  if (action !== 'redact') return { hit: { rule, action, count: Math.max(1, matches.length) }, bytes };
  if (!(await run(areIn(texts, matches), bytes.length, context.signal))) return { fault: 'malformed' };
  const redaction = inspectInSteps(redactor(matches, webhook.replace), bytes, contentType);
  const redacted = await run(redaction, bytes.length, context.signal);
  const count = redacted.hits.reduce((sum, hit) => sum + hit.count, 0);
  return count === 0 ? { fault: 'malformed' } : { hit: { rule, action, count }, bytes: redacted.bytes };
}

async function ask(webhook: Webhook, question: Uint8Array, left: AbortSignal): Promise<WebhookAnswer | WebhookFault> {
  const late = AbortSignal.timeout(webhook.timeoutMs);
  const json = 'application/json';
  const headers = ['Content-Type', json, 'Content-Length', String(question.length), 'Accept', json];
  if (webhook.token !== undefined) headers.push('Authorization', `Bearer ${webhook.token}`);
  const signal = AbortSignal.any([left, late]);
  try {
    left.throwIfAborted();
    const reply = await webhook.send({ method: 'POST', target: webhook.target, headers, body: question, signal });
    if (reply.status !== 200) {
      await cancelBody(reply.body);
      return 'status';
    }
    return decodeAnswer(await readBody(reply.body, ANSWER_LIMIT)) ?? 'malformed';
  } catch (thrown) {
    if (left.aborted) throw new OutriderError('cancelled', 'the caller has left');
    if (late.aborted) return 'timeout';
    const { code } = toOutriderError(thrown);
    if (code === 'timeout') return 'timeout';
    return code === 'body_too_large' ? 'too_large' : 'unreachable';
  }
}

/** Whether each of the matches stands in one of the texts. */
function* areIn(texts: readonly string[], matches: readonly string[]): Steps<boolean> {
  for (const match of matches) {
    let isFound = false;
    for (let i = 0; i < texts.length && !isFound; i++) {
      if (i % 1024 === 1023) yield;
      isFound = texts[i]?.includes(match) === true;
    }
    if (!isFound) return false;
    yield;
  }
  return true;
}

const NO_BUILT_INS: readonly RuleConfig[] = CATALOGUE.map(({ name }) => ({ type: 'builtin', name, enabled: false }));

/** An engine that does nothing but put `replace` in the place of these texts; of two that begin together, the longer. */
function redactor(matches: readonly string[], replace: string): ReturnType<typeof createEngine> {
  const longestFirst = [...matches].sort((a, b) => b.length - a.length);
  const pattern = longestFirst.map(quoted).join('|');
  return createEngine([...NO_BUILT_INS, { name: 'webhook', type: 'regex', pattern, action: 'redact', replace }]);
}
