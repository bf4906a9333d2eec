import { stateOf } from '../../compose/guardrails.ts';
import { webhookClients } from '../../compose/webhooks.ts';
import type { GuardConfig } from '../../config/guard.ts';
import { OutriderError } from '../../errors.ts';
import { CATALOGUE } from '../../guardrails/catalogue.ts';
import { createEngine, type Engine } from '../../guardrails/engine.ts';
import { inspect } from '../../guardrails/inspect.ts';
import type { RuleConfig, Surface } from '../../guardrails/rule.ts';
import { type GuardCommandDeps, loadRules, readInput, typeOf } from './guard-input.ts';
import { type Column, formatTable } from './table.ts';

export interface BenchOptions {
  readonly config?: string;
  readonly surface: Surface;
  readonly type?: string;
  readonly json?: boolean;
}

interface Measured {
  /** Name of the rule; `all` for all of them together. */
  readonly rule: string;
  /** Microseconds of one inspection: the median of all batches, and the best one. */
  readonly median_us: number;
  readonly best_us: number;
  /** 10⁶ bytes a second, at the median. */
  readonly mb_per_s: number;
  /** What it found. */
  readonly matches: number;
}

/** Milliseconds for all rules together, and for all that are measured alone. */
const TOGETHER_MS = 1_000;
const ALONE_MS = 4_000;
/** Least and most for one rule. */
const LEAST_MS = 20;
const MOST_MS = 500;

/** `outrider guard bench`: what it costs to inspect a file, by all rules and by each alone. */
export async function benchRules(file: string, options: BenchOptions, deps: GuardCommandDeps): Promise<void> {
  const { guard, bodyLimit } = await loadRules(options.config, deps);
  const bytes = await readInput(file, bodyLimit, deps);
  if (bytes.length > bodyLimit) throw new OutriderError('bad_request', `${file}: larger than limits.body_bytes`);
  if (bytes.length === 0) throw new OutriderError('bad_request', `${file}: there is nothing in it`);
  const type = options.type ?? typeOf(file);
  const clients = webhookClients(0);
  const together = stateOf(guard, clients).engines.for(options.surface);
  await clients.close();

  const results = [measure('all', together, bytes, type, TOGETHER_MS)];
  const alone = aloneOf(together, guard, options.surface);
  const each = Math.min(MOST_MS, Math.max(LEAST_MS, ALONE_MS / alone.length));
  const most = Math.floor(ALONE_MS / each);
  for (const { name, configs } of alone.slice(0, most)) {
    // Keys change what comes in the place of a match, not what it costs to speak of.
    const engine = createEngine(configs, { hash: () => '0'.repeat(16) });
    results.push(measure(name, engine, bytes, type, each));
  }
  if (options.json === true) {
    deps.stdout.write(`${JSON.stringify({ file, bytes: bytes.length, content_type: type ?? null, results })}\n`);
  } else {
    deps.stdout.write(formatTable(COLUMNS, results));
  }
  if (alone.length > most) deps.stderr.write(`only the first ${most} of ${alone.length} rules were measured alone\n`);
}

const ALL_OFF: readonly RuleConfig[] = CATALOGUE.map(({ name }) => ({ type: 'builtin', name, enabled: false }));

/** Each rule of a surface with what makes an engine of it alone; the word lists of `content_filter` are one. */
function aloneOf(
  { rules }: Engine,
  { rules: configs }: GuardConfig,
  surface: Surface,
): { name: string; configs: RuleConfig[] }[] {
  const builtIns = rules
    .filter(({ kind }) => kind === 'builtin')
    .map(({ name, action, style }) => {
      return {
        name,
        configs: [...ALL_OFF, { type: 'builtin', name, enabled: true, action, style } satisfies RuleConfig],
      };
    });
  const own = configs.filter(({ type, name, on }) => {
    const isHere = on?.includes(surface) ?? true;
    return isHere && (type === 'regex' || type === 'keyword' || (type === 'preset' && name === 'content_filter'));
  });
  return [...builtIns, ...own.map((config) => ({ name: config.name, configs: [...ALL_OFF, config] }))];
}

/** Milliseconds of a batch: long against the clock's resolution, short against what disturbs it. */
const BATCH_MS = 2;

/** The first quarter of the time is for the compiler to warm up, and not counted. */
function measure(rule: string, engine: Engine, bytes: Uint8Array, type: string | undefined, timeMs: number): Measured {
  const batch = (count: number): number => {
    const begun = performance.now();
    for (let i = 0; i < count; i++) inspect(engine, bytes, type);
    return performance.now() - begun;
  };
  const { hits } = inspect(engine, bytes, type);
  let count = 1;
  const end = performance.now() + timeMs / 4;
  do {
    const took = batch(count);
    if (took < BATCH_MS) count *= 2;
    else if (took > 2 * BATCH_MS && count > 1) count = Math.ceil(count / 2);
  } while (performance.now() < end);
  const times: number[] = [];
  const stop = performance.now() + (3 * timeMs) / 4;
  do times.push((1000 * batch(count)) / count);
  while (performance.now() < stop);
  times.sort((a, b) => a - b);
  // There is at least one.
  const median = times[times.length >> 1] as number;
  return {
    rule,
    median_us: rounded(median),
    best_us: rounded(times[0] as number),
    mb_per_s: rounded(bytes.length / median),
    matches: hits.reduce((sum, hit) => sum + hit.count, 0),
  };
}

/** To three digits that mean something. */
function rounded(value: number): number {
  return Number(value.toPrecision(3));
}

const COLUMNS: readonly Column<Measured>[] = [
  { title: 'rule', value: ({ rule }) => rule },
  { title: 'microseconds', value: ({ median_us }) => median_us, numeric: true },
  { title: 'at best', value: ({ best_us }) => best_us, numeric: true },
  { title: 'MB/s', value: ({ mb_per_s }) => mb_per_s, numeric: true },
  { title: 'matches', value: ({ matches }) => matches, numeric: true },
];
