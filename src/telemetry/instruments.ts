import type { Labels, Sample } from './exposition.ts';

/** Plain counters and histograms: an increment is one map lookup or one array slot; labels are put together when asked. */

/** How many label sets one counter may have. What comes after counts under `other`, so that no caller can fill memory. */
const MAX_SERIES = 1_000;

export interface LabelledCounter {
  add(values: readonly string[], count?: number): void;
  samples(): Sample[];
}

/** A counter with these label names; `add` takes their values in the same order. */
export function labelledCounter(...names: readonly string[]): LabelledCounter {
  const series = new Map<string, { values: readonly string[]; count: number }>();
  const other = names.map(() => 'other');
  return {
    add(values, count = 1) {
      const key = values.join('\0');
      const known = series.get(key);
      if (known !== undefined) known.count += count;
      else if (series.size < MAX_SERIES) series.set(key, { values: [...values], count });
      else {
        const rest = series.get(OTHER) ?? { values: other, count: 0 };
        rest.count += count;
        series.set(OTHER, rest);
      }
    },
    samples: () =>
      [...series.values()].map(({ values, count }) => ({
        labels: Object.fromEntries(names.map((name, i) => [name, values[i] ?? ''])),
        value: count,
      })),
  };
}

const OTHER = 'other\0';

export interface Histogram {
  observe(value: number): void;
  samples(labels: Labels): Sample[];
}

/** `bounds`: ascending upper bounds, inclusive; +Inf is added. */
export function histogram(bounds: readonly number[]): Histogram {
  const buckets = new Float64Array(bounds.length + 1);
  let sum = 0;
  return {
    observe(value) {
      let i = 0;
      while (i < bounds.length && value > (bounds[i] as number)) i++;
      // `i` is at most `bounds.length`, the last slot.
      (buckets[i] as number)++;
      sum += value;
    },
    samples(labels) {
      const samples: Sample[] = [];
      let count = 0;
      for (let i = 0; i <= bounds.length; i++) {
        count += buckets[i] ?? 0;
        samples.push({ suffix: '_bucket', labels: { ...labels, le: boundText(bounds[i]) }, value: count });
      }
      samples.push({ suffix: '_sum', labels, value: sum }, { suffix: '_count', labels, value: count });
      return samples;
    },
  };
}

function boundText(bound: number | undefined): string {
  return bound === undefined ? '+Inf' : String(bound);
}
