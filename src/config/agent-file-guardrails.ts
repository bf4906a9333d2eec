import type { Json, JsonObject } from '../deploy/json.ts';
import type { Findings } from './agent-file-findings.ts';
import { GUARD_PRESETS } from './agent-file-schema.ts';
import type { Path } from './faults.ts';
import { nearest } from './suggest.ts';

/** Guardrails that the format names and that look at no text, so that no sidecar can do them. */
const NOT_DONE: Readonly<Record<string, string>> = {
  hallucination_check:
    'not done here: whether an answer is true cannot be told from its text. Give an endpoint that judges it',
  hitl_approve: 'not done here: nothing waits for a person. Give an endpoint that blocks',
};

/** What a custom guardrail can say that `outrider.yaml` takes too. */
const WEBHOOK_KEYS = ['name', 'endpoint', 'timeout', 'on_error', 'token_env'] as const;
const ACTIONS = ['block', 'redact', 'warn'];

/** Rules as `outrider.yaml` takes them: those of the agent, then those of its sidecar, each once. */
export function guardrailEntries(written: unknown, findings: Findings): Json[] {
  const own = writtenAt(written, ['deploy', 'sidecar', 'guardrails']).map((entry, index) =>
    typeof entry === 'string' ? preset(entry, ['deploy', 'sidecar', 'guardrails', index], findings) : [entry],
  );
  const ofAgent = writtenAt(written, ['guardrails']).map((entry, index) =>
    typeof entry === 'string'
      ? preset(entry, ['guardrails', index], findings)
      : custom(entry, ['guardrails', index], findings),
  );
  // With options, a preset says more than its name alone does.
  const sidecars = own.flat();
  const said = new Set(sidecars.map(nameOf));
  const seen = new Set<string>();
  return [...ofAgent.flat().filter((entry) => typeof entry !== 'string' || !said.has(entry)), ...sidecars].filter(
    (entry) => {
      const text = JSON.stringify(entry);
      return !seen.has(text) && seen.add(text);
    },
  );
}

/** A name that stands alone. One that is not known at all is told by `checkRules`. */
function preset(name: string, path: Path, findings: Findings): string[] {
  if (isPreset(name)) return [name];
  if (Object.hasOwn(NOT_DONE, name)) findings.warn(path, NOT_DONE[name] ?? '');
  return [];
}

function custom(entry: JsonObject, path: Path, findings: Findings): Json[] {
  const { name, action } = entry;
  const keys = WEBHOOK_KEYS.filter((key) => entry[key] !== undefined);
  if (keys.includes('endpoint')) {
    if (action !== undefined) findings.warn([...path, 'action'], 'not done here: what the endpoint replies decides');
    return [Object.fromEntries(keys.map((key) => [key, entry[key] ?? null]))];
  }
  for (const key of keys) if (key !== 'name') findings.warn([...path, key], 'not read: it is for an `endpoint`');
  // The schema wants a text.
  const [known] = typeof name === 'string' ? preset(name, path, findings) : [];
  if (known === undefined || action === undefined) return known === undefined ? [] : [known];
  if (ACTIONS.some((known) => known === action)) return [{ preset: known, action }];
  findings.warn([...path, 'action'], `not done here: expected one of ${ACTIONS.join(', ')}`);
  return [known];
}

function notKnown(): string {
  return `not a guardrail that is known: expected one of ${GUARD_PRESETS.join(', ')}, or a mapping with \`name\` and \`endpoint\``;
}

function isPreset(name: string): boolean {
  return GUARD_PRESETS.some((preset) => preset === name);
}

/** Of a guardrail that is named and nothing else: what is wrong with the name, and which was probably meant. Undefined: nothing. */
export function unknownGuardrail(name: string): { message: string; meant?: string } | undefined {
  const known = [...GUARD_PRESETS, ...Object.keys(NOT_DONE)];
  if (known.includes(name)) return undefined;
  const meant = nearest(name, known);
  return meant === undefined ? { message: notKnown() } : { message: 'not a guardrail', meant };
}

function nameOf(entry: Json): Json {
  return typeof entry === 'object' && entry !== null && 'preset' in entry ? (entry['preset'] ?? null) : entry;
}

/** What stands there as it was written: durations are still text. */
function writtenAt(written: unknown, path: readonly string[]): (string | JsonObject)[] {
  let here = written;
  for (const key of path) {
    here =
      typeof here === 'object' && here !== null ? new Map<string, unknown>(Object.entries(here)).get(key) : undefined;
  }
  // The schema has found it to be a list of texts and mappings, if it is there; what is written is made of JSON's values.
  return Array.isArray(here) ? (here as (string | JsonObject)[]) : [];
}
