import { stateOf } from '../../compose/guardrails.ts';
import { webhookClients } from '../../compose/webhooks.ts';
import type { GuardConfig } from '../../config/guard.ts';
import { CATALOGUE } from '../../guardrails/catalogue.ts';
import type { Engines } from '../../guardrails/engine.ts';
import { type Rule, SURFACES } from '../../guardrails/rule.ts';
import { type GuardCommandDeps, loadRules } from './guard-input.ts';
import { type Column, formatTable } from './table.ts';

export interface ListOptions {
  readonly config?: string;
  readonly json?: boolean;
}

interface Listed {
  readonly name: string;
  readonly kind: 'builtin' | 'regex' | 'keyword' | 'webhook';
  readonly enabled: boolean;
  /** Null for a rule that is off, and for a webhook: its endpoint says it. */
  readonly action: string | null;
  readonly style: string | null;
  /** Null: everywhere. */
  readonly on: readonly string[] | null;
  readonly paths?: readonly string[];
  readonly skip_paths?: readonly string[];
  /** Of a webhook: what happens when there is no usable reply. */
  readonly on_error?: string;
}

/** `outrider guard list`: every rule in the order in which they run, and the built-in ones that are off. */
export async function listRules(options: ListOptions, deps: GuardCommandDeps): Promise<void> {
  const { guard, file } = await loadRules(options.config, deps);
  const clients = webhookClients(0);
  const { engines } = stateOf(guard, clients);
  await clients.close();
  const rules = listed(engines, guard);
  if (options.json === true) {
    const { onUnreadable, headers, streamHoldMs } = guard;
    const settings = { on_unreadable: onUnreadable ?? null, guard_headers: headers, stream_hold_ms: streamHoldMs };
    deps.stdout.write(`${JSON.stringify({ file: file ?? null, ...settings, rules })}\n`);
  } else {
    deps.stdout.write(formatTable(COLUMNS, rules));
  }
}

function listed({ rules }: Engines, { webhooks }: GuardConfig): Listed[] {
  const builtIns = CATALOGUE.map(({ name }): Listed => {
    const rule = rules.find((candidate) => candidate.kind === 'builtin' && candidate.name === name);
    return rule === undefined
      ? { name, kind: 'builtin', enabled: false, action: null, style: null, on: null }
      : inForce(rule);
  });
  return [
    ...builtIns,
    ...rules.filter(({ kind }) => kind !== 'builtin').map(inForce),
    ...webhooks.map(({ name, on, onError }): Listed => {
      return { name, kind: 'webhook', enabled: true, action: null, style: null, on: on ?? null, on_error: onError };
    }),
  ];
}

function inForce({ name, kind, action, style, on, paths, skipPaths }: Rule): Listed {
  return {
    name,
    kind,
    enabled: true,
    action,
    style: action === 'redact' ? style : null,
    on: SURFACES.every((surface) => on.includes(surface)) ? null : on,
    ...(paths !== undefined && { paths }),
    ...(skipPaths !== undefined && { skip_paths: skipPaths }),
  };
}

const COLUMNS: readonly Column<Listed>[] = [
  { title: 'rule', value: ({ name }) => name },
  { title: 'kind', value: ({ kind }) => kind },
  { title: 'state', value: ({ enabled }) => (enabled ? 'on' : 'off') },
  { title: 'action', value: ({ action, on_error }) => action ?? (on_error === undefined ? null : 'asks') },
  { title: 'style', value: ({ style }) => style },
  { title: 'on', value: ({ on, enabled }) => (enabled ? (on?.join(',') ?? 'everywhere') : null) },
  {
    title: 'paths',
    value: ({ paths = [], skip_paths = [] }) =>
      [...paths, ...skip_paths.map((path) => `not ${path}`)].join(', ') || null,
  },
];
