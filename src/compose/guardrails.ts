import { createHmac } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { ConfigError, formatFault } from '../config/faults.ts';
import type { GuardConfig } from '../config/guard.ts';
import type { Config } from '../config/load.ts';
import { type WatchOptions, watchFile } from '../config/watch-file.ts';
import { createEngines, type Engines } from '../guardrails/engine.ts';
import { RuleError, SURFACES } from '../guardrails/rule.ts';
import type { KeyedHash } from '../guardrails/style.ts';
import type { GuardSettings, GuardState } from '../layers/guard-state.ts';
import type { Log } from '../log.ts';
import type { MetricSource } from '../telemetry/metrics.ts';
import { type WebhookClients, webhookClients } from './webhooks.ts';

/** The guardrails in force. They change when the configuration file does. */
export interface GuardRules {
  /** Taken once for each call, so that all of it sees the same rules. */
  current(): GuardState;
  engines(): Engines;
  settings(): GuardSettings;
  status(): GuardRulesStatus;
  /** How often the changed file was taken over, and how often it could not be. */
  reloads(): { readonly ok: number; readonly failed: number };
  /** Stops watching, and closes the connections of the webhooks. */
  close(): Promise<void>;
}

export interface GuardRulesStatus {
  /** When the rules in force were read, as ISO 8601. */
  readonly loaded_at: string;
  /** Whether the file, as it is now, cannot be used. */
  readonly failing: boolean;
}

export interface GuardRulesOptions {
  readonly config: Pick<Config, 'guard' | 'guardSource' | 'timeouts'>;
  readonly log: Log;
  readonly watch?: WatchOptions;
}

/**
 * Makes the engines of what is configured, and anew whenever the configuration file has changed. A file that cannot be used
 * changes nothing and is told of, once for each change. Other keys wait for a restart. Throws `RuleError` when the rules of
 * the start cannot be used.
 */
export function openGuardRules({ config, log, watch }: GuardRulesOptions): GuardRules {
  const { guardSource: source } = config;
  const clients = webhookClients(config.timeouts.agent_connect);
  let inForce = stateOf(config.guard, clients);
  let text = source.text;
  let loadedAt = new Date();
  let fault: string | undefined;
  let told = '';
  const reloads = { ok: 0, failed: 0 };

  const tellOfOthers = (changed: readonly string[]): void => {
    const names = changed.join(', ');
    if (names !== '' && names !== told)
      log.info('the configuration file has changed: these keys need a restart', { keys: names });
    told = names;
  };
  const reload = async (isNew: boolean): Promise<void> => {
    try {
      const reading = await source.read();
      tellOfOthers(source.changedKeys(reading));
      if (reading.text === text && fault === undefined) return;
      // Between reading and making, both of which take long with many rules, calls have their turn.
      await setImmediate();
      const state = stateOf(reading.guard, clients);
      // In one go: a call sees the old rules or the new ones.
      [inForce, text, fault, loadedAt] = [state, reading.text, undefined, new Date()];
      reloads.ok++;
      log.info('guardrails read again', { file: source.file, ...counts(reading.guard, state) });
    } catch (error) {
      const faults = faultsOf(error);
      const now = faults.join('\n');
      if (now === fault && !isNew) return;
      fault = now;
      reloads.failed++;
      log.error('the configuration file cannot be used; the guardrails in force stay', { file: source.file, faults });
    }
  };
  const watching = source.file === undefined ? undefined : watchFile(source.file, reload, watch);

  return {
    current: () => inForce,
    engines: () => inForce.engines,
    settings: () => inForce.settings,
    status: () => ({ loaded_at: loadedAt.toISOString(), failing: fault !== undefined }),
    reloads: () => ({ ...reloads }),
    async close() {
      watching?.close();
      await clients.close();
    },
  };
}

/** How reloads went. */
export function guardRulesMetrics(rules: Pick<GuardRules, 'reloads'>): MetricSource {
  return () => [
    {
      name: 'outrider_guard_reloads_total',
      help: 'Changes of the configuration file by whether its guardrails were taken over.',
      type: 'counter',
      samples: Object.entries(rules.reloads()).map(([result, value]) => ({ labels: { result }, value })),
    },
  ];
}

/** Rules ready to run. Throws `RuleError` with every rule that cannot be used. */
export function stateOf(guard: GuardConfig, clients: WebhookClients): GuardState {
  const { onUnreadable, headers, streamHoldMs, hashKey } = guard;
  const webhooks = new Map(
    SURFACES.map((surface) => [
      surface,
      guard.webhooks.filter(({ on }) => on?.includes(surface) ?? true).map((webhook) => clients.webhook(webhook)),
    ]),
  );
  return {
    engines: createEngines(guard.rules, { hash: hashKey && keyedHash(hashKey.reveal()) }),
    settings: { onUnreadable, headers, streamHoldMs },
    webhooks: (surface) => webhooks.get(surface) ?? [],
  };
}

/** HMAC-SHA-256 (RFC 2104), cut to 64 bits: enough to tell texts apart, and nothing to find them by without the key. */
function keyedHash(key: string): KeyedHash {
  return (rule, canonical) => createHmac('sha256', key).update(`${rule}\0${canonical}`).digest('hex').slice(0, 16);
}

function counts({ webhooks }: GuardConfig, { engines }: GuardState): { rules: number; webhooks: number } {
  return { rules: engines.rules.length, webhooks: webhooks.length };
}

function faultsOf(error: unknown): string[] {
  if (error instanceof ConfigError) return error.faults.map(formatFault);
  if (error instanceof RuleError) return error.message.split('\n');
  return [error instanceof Error ? error.message : String(error)];
}
