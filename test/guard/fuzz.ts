/**
 * Random and grammar-made bodies against the guard engine: `npm run fuzz:guard -- --count 1000000 --seed 1`. The first
 * inputs that break an invariant are printed with what makes them again (`--seed S --at N`), shrunk; the exit code is 1 then.
 */
import { parseArgs } from 'node:util';
import { Random } from './corpus/random.ts';
import { type Setting, settings } from './fuzz/engines.ts';
import { cuts, type Input, makeInput } from './fuzz/inputs.ts';
import { type Violation, violation } from './fuzz/invariants.ts';
import { minimise } from './fuzz/minimise.ts';

export interface Failure extends Violation {
  readonly at: number;
  readonly setting: string;
  readonly contentType: string;
  /** Shrunk; one character for each byte. */
  readonly body: string;
}

export interface FuzzOptions {
  readonly seed: number;
  /** The first input, and how many. */
  readonly from: number;
  readonly count: number;
  /** Failures after which it ends. */
  readonly most: number;
  readonly onProgress?: (done: number) => void;
}

/** Each input depends on the seed and its number alone. */
export function fuzz({ seed, from, count, most, onProgress }: FuzzOptions): Failure[] {
  const all = settings();
  const failures: Failure[] = [];
  for (let at = from; at < from + count && failures.length < most; at++) {
    const random = new Random(Math.imul(seed, 0x9e37_79b1) ^ at);
    const setting = random.weighted(all);
    const input = makeInput(random);
    const found = violation(input, setting, cuts(random, input.body));
    if (found !== undefined) failures.push(shrunk(at, input, setting, found));
    if (at % 10_000 === 9999) onProgress?.(at + 1 - from);
  }
  return failures;
}

function shrunk(at: number, { contentType, body }: Input, setting: Setting, { invariant }: Violation): Failure {
  const find = (bytes: Uint8Array): Violation | undefined => {
    const input = { contentType, body: bytes };
    for (const chunks of [
      Array.from(bytes, (byte) => Uint8Array.of(byte)),
      cuts(new Random(at), bytes),
      cuts(new Random(at + 1), bytes),
    ]) {
      const found = violation(input, setting, chunks);
      if (found?.invariant === invariant) return found;
    }
    return undefined;
  };
  const least = find(body) === undefined ? body : minimise(body, (bytes) => find(bytes) !== undefined);
  const detail = find(least)?.detail ?? 'fails with the cuts of this number alone';
  return { at, setting: setting.name, contentType, body: Buffer.from(least).toString('latin1'), invariant, detail };
}

/** With what cannot be seen, or is not ASCII, as an escape. */
function spelt(text: string): string {
  return JSON.stringify(text).replace(/[\x7f-\xff]/g, (c) => `\\u00${c.charCodeAt(0).toString(16)}`);
}

export function describeFailure(seed: number, { at, setting, contentType, body, invariant, detail }: Failure): string {
  return [
    `${invariant}: ${detail}`,
    `  rules: ${setting}; type: ${contentType || 'none'}; bytes as Latin-1: ${spelt(body)}`,
    `  again: npm run fuzz:guard -- --seed ${seed} --at ${at}`,
  ].join('\n');
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: { count: { type: 'string' }, seed: { type: 'string' }, at: { type: 'string' }, most: { type: 'string' } },
  });
  const seed = Number(values.seed ?? Date.now() % 1_000_000);
  const from = Number(values.at ?? 0);
  const count = values.at === undefined ? Number(values.count ?? 100_000) : 1;
  console.log(`${count} inputs, seed ${seed}`);
  const start = performance.now();
  const onProgress = (done: number): void => {
    if (done % 100_000 === 0) console.log(`${done} done, ${((performance.now() - start) / 1000).toFixed(0)} s`);
  };
  const failures = fuzz({ seed, from, count, most: Number(values.most ?? 10), onProgress });
  for (const failure of failures) console.log(`\n${describeFailure(seed, failure)}`);
  console.log(`${failures.length} failures, ${((performance.now() - start) / 1000).toFixed(1)} s`);
  process.exitCode = failures.length > 0 ? 1 : 0;
}
