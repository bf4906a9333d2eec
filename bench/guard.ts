/**
 * What inspection costs: throughput and processor time for JSON, text and tokens of a stream, clean and dirty, with the
 * default rules, all built-in ones, 100 expressions and 5,000 keywords. Run: npm run bench:guard
 */
import { createEngine, type Engine } from '../src/guardrails/engine.ts';
import { inspect, inspectInSteps } from '../src/guardrails/inspect.ts';
import { inspectStream } from '../src/guardrails/stream.ts';
import { Tally } from '../src/guardrails/tally.ts';
import { chat, text, tokenEvents } from './support/guard-bodies.ts';
import { KEYWORD_RULE, REGEX_RULES } from './support/guard-rules.ts';

const JSON_TYPE = 'application/json';

const engines: Readonly<Record<string, Engine>> = {
  default: createEngine(),
  'all built-in': createEngine([
    { type: 'preset', name: 'pii_detection' },
    { type: 'preset', name: 'secrets' },
  ]),
  '100 regex': createEngine(REGEX_RULES),
  '5000 words': createEngine([KEYWORD_RULE]),
};

/** Best of many batches, since others use the machine too; the processor time of all of them, other threads' (garbage) too. */
interface Measured {
  /** Microseconds of one run. */
  readonly micros: number;
  readonly cpuMicros: number;
}

const BATCH_MILLIS = 8;
const BUDGET_MILLIS = 400;

function measure(run: () => unknown): Measured {
  // So that it is compiled.
  for (const until = performance.now() + 60; performance.now() < until; ) run();
  const once = performance.now();
  run();
  const rounds = Math.max(1, Math.round(BATCH_MILLIS / Math.max(performance.now() - once, 0.001)));
  const cpu = process.cpuUsage();
  const until = performance.now() + BUDGET_MILLIS;
  let best = Number.POSITIVE_INFINITY;
  let runs = 0;
  do {
    const start = process.hrtime.bigint();
    for (let i = 0; i < rounds; i++) run();
    best = Math.min(best, Number(process.hrtime.bigint() - start) / 1000 / rounds);
    runs += rounds;
  } while (performance.now() < until);
  const { user, system } = process.cpuUsage(cpu);
  return { micros: best, cpuMicros: (user + system) / runs };
}

interface Case {
  readonly name: string;
  readonly bytes: number;
  /** Gives how many matches there were; throws when not all of it was read. */
  readonly run: (engine: Engine) => number;
  /** What one of them is, for dividing: events of a stream. */
  readonly units?: number;
  readonly target?: { readonly says: string; readonly isMet: (micros: number) => boolean };
}

function body(name: string, contentType: string, bytes: Buffer, target?: Case['target']): Case {
  return {
    name,
    bytes: bytes.length,
    run: (engine) => {
      const { hits, unreadable, blockedBy } = inspect(engine, bytes, contentType);
      if (unreadable !== undefined || blockedBy !== undefined) throw new Error(`${name}: not all of it was read`);
      return hits.reduce((sum, { count }) => sum + count, 0);
    },
    ...(target && { target }),
  };
}

const EVENTS = 500;

function tokens(name: string, pii: boolean, target?: Case['target']): Case {
  const events = tokenEvents(EVENTS, pii);
  return {
    name,
    bytes: events.reduce((sum, event) => sum + event.length, 0),
    units: EVENTS,
    run: (engine) => {
      const tally = new Tally();
      const stream = inspectStream(engine, 'text/event-stream', tally, { limit: 2 ** 20 });
      for (const event of events) stream?.push(event);
      stream?.end();
      if (stream === undefined || stream.unreadable !== undefined || tally.blockedBy !== undefined)
        throw new Error(`${name}: not all of it was read`);
      return tally.matches;
    },
    ...(target && { target }),
  };
}

const under = (micros: number, says: string): Case['target'] => ({ says, isMet: (measured) => measured <= micros });
const KB = 1024;
const speed = (bytes: number): Case['target'] => ({ says: '>= 500 MB/s', isMet: (micros) => bytes / micros >= 500 });

const cases: readonly Case[] = [
  body('JSON 1 KB clean', JSON_TYPE, chat(KB, 0), under(4, '<= 4 us')),
  body('JSON 10 KB clean', JSON_TYPE, chat(10 * KB, 0)),
  body('JSON 1 MB clean', JSON_TYPE, chat(KB * KB, 0)),
  body('JSON 1 KB, 3 matches', JSON_TYPE, chat(KB, 3)),
  body('JSON 10 KB, 30 matches', JSON_TYPE, chat(10 * KB, 30), under(300, '<= 300 us')),
  body('JSON 1 MB, 3000 matches', JSON_TYPE, chat(KB * KB, 3000)),
  body('text 64 KB clean', 'text/plain', text(64 * KB, 0), speed(64 * KB)),
  body('text 1 MB clean', 'text/plain', text(KB * KB, 0), speed(KB * KB)),
  body('text 64 KB, dirty', 'text/plain', text(64 * KB, 4)),
  body('text 1 MB, dirty', 'text/plain', text(KB * KB, 4)),
  tokens('SSE token clean', false, under(5, '<= 5 us')),
  tokens('SSE token dirty', true),
];

const cleanMicros: Record<string, number[]> = {};
console.log(
  `${'body'.padEnd(25)}${'rules'.padEnd(14)}${'us each'.padStart(12)}${'CPU us'.padStart(12)}${'MB/s'.padStart(9)}   target (default rules)`,
);
for (const { name, bytes, run, units = 1, target } of cases) {
  // Else it is not what it says it is.
  if (run(createEngine()) > 0 === name.endsWith('clean')) throw new Error(`${name}: matches`);
  for (const [rules, engine] of Object.entries(engines)) {
    const measured = measure(() => run(engine));
    const micros = measured.micros / units;
    if (name.endsWith('clean')) (cleanMicros[rules] ??= []).push(micros);
    const mark =
      rules === 'default' && target !== undefined
        ? `   ${target.says}: ${target.isMet(micros) ? 'met' : 'MISSED'}`
        : '';
    const columns = [
      micros.toFixed(2).padStart(12),
      (measured.cpuMicros / units).toFixed(2).padStart(12),
      (bytes / measured.micros).toFixed(0).padStart(9),
    ];
    console.log(`${name.padEnd(25)}${rules.padEnd(14)}${columns.join('')}${mark}`);
  }
}

console.log('\n100 expressions / default rules on clean input (target: <= 5):');
const names = cases.filter(({ name }) => name.endsWith('clean')).map(({ name }) => name);
for (const [i, name] of names.entries()) {
  const ratio = (cleanMicros['100 regex']?.[i] ?? 0) / (cleanMicros['default']?.[i] ?? 1);
  console.log(`${name.padEnd(25)}${ratio.toFixed(1).padStart(8)}   ${ratio <= 5 ? 'met' : 'MISSED'}`);
}

/** Large bodies, dense with matches: the whole, and the longest step, for which nothing else in the process can run. */
const fill = (unit: string): string => unit.repeat(Math.floor((10 * 2 ** 20 - 100) / unit.length));
const dense: Record<string, [type: string, body: string]> = {
  'JSON, one string of emails': [JSON_TYPE, JSON.stringify(fill('a@b.co '))],
  'JSON, strings of emails': [JSON_TYPE, `[${fill('"a@b.co",')}1]`],
  'JSON, one string of cards': [JSON_TYPE, JSON.stringify(fill('4111 1111 1111 1111 '))],
  'JSON, an email and numbers': [JSON_TYPE, `["a@b.co",${fill('1,')}1]`],
  'form of emails': ['application/x-www-form-urlencoded', fill('a=a%40b.co&')],
  'multipart, tiny parts': ['multipart/form-data; boundary=B', `${fill('--B\n\n\na@b.co\n')}--B--`],
};
/** Processor time of this thread so far: what a step takes when nothing else wants the processor. */
function cpuMillis(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}

console.log('\n10 MB, default rules, dense with matches:');
for (const [name, [type, content]] of Object.entries(dense)) {
  const bytes = Buffer.from(content);
  const start = performance.now();
  let last = start;
  let lastCpu = cpuMillis();
  let longest = 0;
  let longestCpu = 0;
  const steps = inspectInSteps(createEngine(), bytes, type);
  for (let done: boolean | undefined = false; !done; ) {
    ({ done } = steps.next());
    const now = performance.now();
    const cpu = cpuMillis();
    longest = Math.max(longest, now - last);
    longestCpu = Math.max(longestCpu, cpu - lastCpu);
    last = now;
    lastCpu = cpu;
  }
  console.log(
    `${name.padEnd(30)}${(last - start).toFixed(0).padStart(6)} ms, longest step ${longest.toFixed(1)} ms, ${longestCpu.toFixed(1)} ms of processor time`,
  );
}
