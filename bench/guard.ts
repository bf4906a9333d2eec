/**
 * What one inspection costs, in microseconds: clean and dirty JSON, with the built-in rules and with operators' ones.
 * Run: node bench/guard.ts
 */
import { createEngine } from '../src/guardrails/engine.ts';
import { inspect, inspectInSteps } from '../src/guardrails/inspect.ts';
import type { RuleConfig } from '../src/guardrails/rule.ts';

const JSON_TYPE = 'application/json';
const PII = ['john.doe@example.com', '4111 1111 1111 1111', '123-45-6789'];

/** A chat request as agents get them, with the timestamps and ids that come near a match. */
function chat(size: number, matches: number): Buffer {
  const messages: Record<string, unknown>[] = [];
  for (let i = 0, left = matches; ; i++) {
    const length = JSON.stringify({ model: 'gpt-x', messages }).length;
    if (length >= size) break;
    const due = Math.min(left, Math.ceil((matches * 300) / size));
    const found = Array.from({ length: due }, (_, k) => PII[(i + k) % PII.length]);
    left -= due;
    messages.push({
      id: `3f0e8a5c-1b2d-4c3e-9f${10 + (i % 90)}-00112233445${i % 10}`,
      at: `2026-01-0${1 + (i % 9)}T03:04:05.123Z`,
      sent_ms: 1_767_225_600_000 + i,
      role: i % 2 ? 'assistant' : 'user',
      content: `Please summarise the report for order ${100_000 + i}:\nrisks, owners and dates “as agreed”. ${found.join(' and ')}`,
    });
  }
  return Buffer.from(JSON.stringify({ model: 'gpt-x', messages }));
}

const expressions: RuleConfig[] = Array.from({ length: 10 }, (_, i) => ({
  name: `regex-${i}`,
  type: 'regex',
  pattern: [`\\bacct-${i}\\d{6}\\b`, `(?i)project\\s+x${i}`, `\\b[A-Z]{3}${i}-\\d{4}\\b`][i % 3] ?? '',
  action: 'redact',
  replace: '[X]',
}));
const words = Array.from({ length: 5000 }, (_, i) => `secret${i.toString(36)}word`).join(',');
const keywords: RuleConfig = { name: 'words', type: 'keyword', pattern: words, action: 'redact', replace: '[X]' };

const engines = {
  'built-ins': createEngine(),
  '+ 10 regex': createEngine(expressions),
  '+ 5000 keywords': createEngine([keywords]),
};
const bodies = {
  '1 KB clean': chat(1024, 0),
  '10 KB clean': chat(10_240, 0),
  '1 MB clean': chat(2 ** 20, 0),
  '1 KB, 3 matches': chat(1024, 3),
  '10 KB, 30 matches': chat(10_240, 30),
};

/** Microseconds of one inspection: the best of several batches, since others use the machine too. */
function measure(engine: (typeof engines)['built-ins'], bytes: Buffer): number {
  const rounds = Math.max(1, Math.round(4e6 / bytes.length));
  let best = Number.POSITIVE_INFINITY;
  for (let batch = 0; batch < 25; batch++) {
    const start = process.hrtime.bigint();
    for (let i = 0; i < rounds; i++) inspect(engine, bytes, JSON_TYPE);
    best = Math.min(best, Number(process.hrtime.bigint() - start) / 1000 / rounds);
  }
  return best;
}

for (const [body, bytes] of Object.entries(bodies)) {
  for (const [rules, engine] of Object.entries(engines)) {
    const micros = measure(engine, bytes);
    const found = inspect(engine, bytes, JSON_TYPE).hits.reduce((sum, hit) => sum + hit.count, 0);
    const size = `${String(bytes.length).padStart(8)} B`;
    const speed = `${(bytes.length / micros).toFixed(0).padStart(6)} MB/s`;
    console.log(
      `${body.padEnd(18)}${size}  ${rules.padEnd(16)}${micros.toFixed(2).padStart(10)} us${speed}  ${found} found`,
    );
  }
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
for (const [name, [type, body]] of Object.entries(dense)) {
  const bytes = Buffer.from(body);
  const start = performance.now();
  let last = start;
  let longest = 0;
  const steps = inspectInSteps(engines['built-ins'], bytes, type);
  for (let done: boolean | undefined = false; !done; ) {
    ({ done } = steps.next());
    const now = performance.now();
    longest = Math.max(longest, now - last);
    last = now;
  }
  const total = `${(last - start).toFixed(0).padStart(6)} ms`;
  console.log(`10 MB, ${name.padEnd(30)}${total}, longest step ${longest.toFixed(1)} ms`);
}
