import type { RuleConfig, Surface } from '../guardrails/rule.ts';
import { readVariable } from './environment.ts';
import type { GuardRuleEntry, guardKeys } from './guard-schema.ts';
import { fault, namedToken, type Resolution } from './resolve.ts';
import type { FileConfig } from './schema.ts';
import { Secret } from './secret.ts';

/** What the guardrails do: all that may change while the sidecar runs. */
export interface GuardConfig {
  /** In order; what engines are made of. */
  readonly rules: readonly RuleConfig[];
  readonly webhooks: readonly WebhookConfig[];
  /** Unset: block what is text by its type, pass what is declared binary. */
  readonly onUnreadable: 'block' | 'pass' | undefined;
  /** Names in lower case, each once. */
  readonly headers: readonly string[];
  readonly streamHoldMs: number;
  /** Of rules with `style: hash`; at least 16 characters. */
  readonly hashKey: Secret | undefined;
}

/** A rule that asks an endpoint. */
export interface WebhookConfig {
  readonly name: string;
  /** `http:` or `https:`. */
  readonly endpoint: string;
  /** For the whole reply. */
  readonly timeoutMs: number;
  readonly onError: 'block' | 'pass';
  /** Stands in place of what the endpoint wants redacted. */
  readonly replace: string;
  /** Undefined: everywhere. */
  readonly on: readonly Surface[] | undefined;
  readonly token: Secret | undefined;
}

export const HASH_KEY = 'OUTRIDER_GUARD_HASH_KEY';
const SHORTEST_KEY = 16;

/** The guardrails with their keys and tokens found. Reports what is missing. */
export function resolveGuard(
  values: Partial<Pick<FileConfig, keyof typeof guardKeys>>,
  resolution: Resolution,
): GuardConfig {
  const rules: RuleConfig[] = [];
  const webhooks: WebhookConfig[] = [];
  const hashKey = readHashKey(resolution);
  for (const [index, entry] of (values.guardrails ?? []).entries()) {
    const path = ['guardrails', index];
    if ('endpoint' in entry) {
      const { name, endpoint, timeout: timeoutMs, on_error: onError, replace, on } = entry;
      const token = namedToken(entry.token_env, [...path, 'token_env'], resolution);
      webhooks.push({ name, endpoint, timeoutMs, onError, replace, on, token });
      continue;
    }
    rules.push(ruleOf(entry));
    if (entry.style === 'hash' && readVariable(resolution.env, HASH_KEY) === undefined) {
      fault(resolution, [...path, 'style'], `a hash needs a key: set ${HASH_KEY}, at least ${SHORTEST_KEY} characters`);
    }
  }
  return {
    rules,
    webhooks,
    onUnreadable: values.on_unreadable,
    headers: [...new Set((values.guard_headers ?? []).map((name) => name.toLowerCase()))],
    streamHoldMs: values.stream_hold ?? 250,
    hashKey,
  };
}

function ruleOf(entry: Exclude<GuardRuleEntry, { endpoint: string }>): RuleConfig {
  if ('preset' in entry) {
    const { preset: name, ...rest } = entry;
    return { ...said(rest), type: 'preset', name };
  }
  if ('builtin' in entry) {
    const { builtin: name, enabled, ...rest } = entry;
    return { ...said(rest), type: 'builtin', name, enabled };
  }
  return entry;
}

/** Without the members that have no value. */
function said<T extends object>(entry: T): { [Key in keyof T]: Exclude<T[Key], undefined> } {
  // Exactly what is undefined is left out.
  return Object.fromEntries(Object.entries(entry).filter(([, value]) => value !== undefined)) as {
    [Key in keyof T]: Exclude<T[Key], undefined>;
  };
}

/** Keys come out of secret stores with a line break at their end. */
function readHashKey({ env, faults }: Resolution): Secret | undefined {
  const found = readVariable(env, HASH_KEY);
  const key = found?.value.trim();
  if (found === undefined || key === undefined) return undefined;
  if (key.length >= SHORTEST_KEY) return new Secret(key);
  faults.push({ ...found.at, path: '', message: `expected at least ${SHORTEST_KEY} characters` });
  return undefined;
}
