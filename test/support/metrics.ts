import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ROOT } from './process.ts';

export interface Family {
  type: string;
  help: string;
  samples: { name: string; labels: Record<string, string>; value: number }[];
}

const NAME = '[a-zA-Z_:][a-zA-Z0-9_:]*';
const LABEL = '([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\\\\n]|\\\\[\\\\"n])*)"';
const SAMPLE = new RegExp(`^(${NAME})(?:\\{((?:${LABEL},?)*)\\})? (NaN|[+-]Inf|[-+0-9.eE]+)$`);

/**
 * Prometheus text format 0.0.4, taken strictly: every line is a HELP, a TYPE or a sample; the samples of a family stand together
 * under its TYPE; no series comes twice; histograms are cumulative, and end with the count.
 */
export function parseMetrics(text: string): Map<string, Family> {
  assert.ok(text.endsWith('\n'), 'the last line ends with a line feed');
  const families = new Map<string, Family>();
  const seen = new Set<string>();
  let help: [string, string] | undefined;
  let current: [string, Family] | undefined;
  for (const line of text.split('\n').slice(0, -1)) {
    const [, kind, name = '', rest = ''] = /^# (HELP|TYPE) (\S+) ?(.*)$/.exec(line) ?? [];
    if (kind === 'HELP') help = [name, rest];
    else if (kind === 'TYPE') {
      assert.ok(!families.has(name), `${name} comes twice`);
      assert.match(rest, /^(counter|gauge|histogram|summary|untyped)$/, line);
      current = [name, { type: rest, help: help?.[0] === name ? help[1] : '', samples: [] }];
      families.set(...current);
    } else {
      const match = SAMPLE.exec(line);
      assert.ok(match, `no sample: ${line}`);
      const [, series = '', labels = '', , , value = ''] = match;
      assert.ok(current, `a sample before any TYPE: ${line}`);
      const [family, { type, samples }] = current;
      const suffix = series.slice(family.length);
      assert.ok(
        series.startsWith(family) && (suffix === '' || (type === 'histogram' && /^_(bucket|sum|count)$/.test(suffix))),
        line,
      );
      const key = line.slice(0, line.lastIndexOf(' '));
      assert.ok(!seen.has(key), `${key} comes twice`);
      seen.add(key);
      samples.push({
        name: series,
        labels: Object.fromEntries([...labels.matchAll(new RegExp(LABEL, 'g'))].map(([, name, text]) => [name, text])),
        value: value.endsWith('Inf') ? Number(`${value}inity`) : Number(value),
      });
    }
  }
  for (const [name, family] of families) if (family.type === 'histogram') checkHistogram(name, family);
  return families;
}

function checkHistogram(name: string, { samples }: Family): void {
  const bySeries = Map.groupBy(samples, ({ labels }) => JSON.stringify({ ...labels, le: undefined }));
  for (const [series, own] of bySeries) {
    const buckets = own.filter((sample) => sample.name === `${name}_bucket`);
    const counts = buckets.map(({ value }) => value);
    assert.deepEqual(
      counts,
      counts.toSorted((a, b) => a - b),
      `${name}${series} is cumulative`,
    );
    assert.equal(buckets.at(-1)?.labels['le'], '+Inf');
    assert.equal(own.find((sample) => sample.name === `${name}_count`)?.value, counts.at(-1));
    assert.ok(own.some((sample) => sample.name === `${name}_sum`));
  }
}

/** The sum of a family's samples that have these labels; 0 when there is none. `name` may have a histogram's suffix. */
export function metric(families: Map<string, Family>, name: string, labels: Record<string, string> = {}): number {
  const family = families.get(name) ?? families.get(name.replace(/_(bucket|sum|count)$/, ''));
  const wanted = Object.entries(labels);
  return (family?.samples ?? [])
    .filter((sample) => sample.name === name && wanted.every(([key, value]) => sample.labels[key] === value))
    .reduce((sum, { value }) => sum + value, 0);
}

type Documented = [name: string, type: string][];

/** Names and types in the tables of docs/observability.md: that of a sidecar, and what only a host has. */
export async function documentedFamilies(): Promise<{ sidecar: Documented; host: Documented }> {
  const page = await readFile(join(ROOT, 'docs/observability.md'), 'utf8');
  const [sidecar = '', host, ...more] = page.split('\n### Metrics of a host\n');
  assert.ok(host !== undefined && more.length === 0, 'the page has one table of a host');
  return { sidecar: familiesOf(sidecar), host: familiesOf(host) };
}

function familiesOf(text: string): Documented {
  const process: Record<string, string> = {
    process_cpu_seconds_total: 'counter',
    process_resident_memory_bytes: 'gauge',
    process_start_time_seconds: 'gauge',
  };
  return [...text.matchAll(/^\| (`[^|]*`) \|([a-z, ]*)\|/gm)].flatMap(([, cell = '', types = '']) => {
    const names = [...cell.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name.replace('…', 'outrider_outbox'));
    if (!names.every((name) => /^(outrider|process|nodejs)_/.test(name))) return [];
    const kinds = types.trim().split(/, ?/);
    return names.map((name, index): [string, string] => [name, process[name] ?? kinds[index] ?? kinds[0] ?? '']);
  });
}
