import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { logLines } from '../../test/support/log-lines.ts';
import type { Family } from './exposition.ts';
import { exposition } from './exposition.ts';
import { histogram, labelledCounter } from './instruments.ts';
import { createMetrics, ledgerMetrics, type Metrics, tracingMetrics } from './metrics.ts';

async function scraped(
  use: (metrics: Metrics) => void,
): Promise<{ text: string; value: (line: string) => number | undefined }> {
  const metrics = createMetrics({ version: '1.2.3', log: logLines().log });
  try {
    use(metrics);
    const reply = await metrics.render();
    assert.equal(reply.status, 200);
    assert.deepEqual(reply.headers, ['Content-Type', 'text/plain; version=0.0.4; charset=utf-8']);
    // A rendered page is at hand.
    const text = Buffer.from(reply.body as Uint8Array).toString();
    const values = new Map(
      text
        .split('\n')
        .filter((line) => line !== '' && !line.startsWith('#'))
        .map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]),
    );
    return { text, value: (line) => values.get(line) };
  } finally {
    metrics.close();
  }
}

test('requests by surface, method and status, with times and how they ended', async () => {
  const { value } = await scraped((metrics) => {
    const inbound = metrics.surface('inbound');
    assert.equal(metrics.surface('inbound'), inbound);
    for (let i = 0; i < 3; i++) inbound.begin();
    inbound.replied('POST', 200, 0.02);
    inbound.ended(0.02, 'complete');
    inbound.replied('POST', 200, 0.0005);
    inbound.ended(4, 'cancelled');
    metrics.surface('a2a').begin();
    metrics.surface('a2a').replied('BREW', 1_000, 0);
    metrics.surface('a2a').ended(0, 'failed');
  });
  assert.equal(value('outrider_requests_total{surface="inbound",method="POST",status="200"}'), 2);
  assert.equal(value('outrider_requests_total{surface="a2a",method="other",status="other"}'), 1);
  assert.equal(value('outrider_requests_in_flight{surface="inbound"}'), 1);
  assert.equal(value('outrider_requests_in_flight{surface="a2a"}'), 0);
  assert.equal(value('outrider_reply_head_seconds_bucket{surface="inbound",le="0.001"}'), 1);
  assert.equal(value('outrider_reply_head_seconds_bucket{surface="inbound",le="0.025"}'), 2);
  assert.equal(value('outrider_reply_head_seconds_bucket{surface="inbound",le="+Inf"}'), 2);
  assert.equal(value('outrider_reply_head_seconds_count{surface="inbound"}'), 2);
  assert.equal(value('outrider_request_duration_seconds_sum{surface="inbound"}'), 4.02);
  assert.equal(value('outrider_reply_ends_total{surface="inbound",end="cancelled"}'), 1);
  assert.equal(value('outrider_reply_ends_total{surface="a2a",end="failed"}'), 1);
});

test('guard hits, upstream errors, refusals', async () => {
  const { value } = await scraped((metrics) => {
    metrics.guardHit({ rule: 'ssn', action: 'redact', surface: 'inbound', count: 3 });
    metrics.guardHit({ rule: 'ssn', action: 'redact', surface: 'inbound' });
    metrics.upstreamError('weather', 'timeout');
    metrics.refused('headers_too_large');
  });
  assert.equal(value('outrider_guard_hits_total{rule="ssn",action="redact",surface="inbound"}'), 4);
  assert.equal(value('outrider_upstream_errors_total{peer="weather",code="timeout"}'), 1);
  assert.equal(value('outrider_refused_requests_total{code="headers_too_large"}'), 1);
});

test('the process: memory, CPU, start, event loop', async () => {
  const metrics = createMetrics({ version: '1', log: logLines().log });
  await new Promise((resolve) => setTimeout(resolve, 60));
  const until = performance.now() + 150;
  while (performance.now() < until);
  await new Promise((resolve) => setTimeout(resolve, 60));
  const text = Buffer.from((await metrics.render()).body as Uint8Array).toString();
  metrics.close();
  const number = (name: string): number => Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1]);
  assert.ok(number('process_resident_memory_bytes') > 10e6);
  assert.ok(number('process_cpu_seconds_total') > 0);
  assert.ok(Math.abs(number('process_start_time_seconds') - Date.now() / 1000) < 600);
  const worst = number('outrider_event_loop_delay_seconds\\{quantile="1"\\}');
  assert.ok(worst > 0.05 && worst < 5, `${worst}`);
});

test('traces and the ledger', async () => {
  const { value } = await scraped((metrics) => {
    metrics.observe(tracingMetrics(() => ({ exported: 5, failed: 4, dropped: 3, queued: 2 })));
    metrics.observe(
      ledgerMetrics(
        () => ({ used_bytes: 4096, queued: 1, costs_recorded_total: 9, audit_lost_total: 0, refused_total: 2 }),
        () => ({ reachable: false, pending: 7, oldest_age_seconds: 1.5, rejected: 1, failures_total: 3 }),
      ),
    );
  });
  assert.equal(value('outrider_spans_total{outcome="dropped"}'), 3);
  assert.equal(value('outrider_spans_queued'), 2);
  assert.equal(value('outrider_outbox_pending_rows'), 7);
  assert.equal(value('outrider_outbox_oldest_age_seconds'), 1.5);
  assert.equal(value('outrider_outbox_reachable'), 0);
  assert.equal(value('outrider_ledger_refused_total'), 2);
});

test('a source that fails or hangs is left out; the rest is there', async () => {
  const began = performance.now();
  const { text } = await scraped((metrics) => {
    metrics.observe(() => {
      throw new Error('broken');
    });
    metrics.observe(() => new Promise(() => {}));
    metrics.observe(async () => [{ name: 'fine', help: 'h', type: 'gauge', samples: [{ value: 1 }] }]);
  });
  assert.match(text, /^fine 1$/m);
  assert.ok(performance.now() - began < 3_000);
});

test('the page is what the text format says: help and type once, before the samples; escapes', async () => {
  const { text } = await scraped((metrics) => {
    metrics.surface('inbound').begin();
    metrics.guardHit({ rule: 'quote " back \\ line \n end', action: 'block', surface: 'inbound' });
  });
  assert.match(text, /\{rule="quote \\" back \\\\ line \\n end",/);
  assert.ok(text.endsWith('\n'));
  const seen = new Set<string>();
  let family = '';
  for (const line of text.trimEnd().split('\n')) {
    const head = /^# (HELP|TYPE) ([a-z_]+) /.exec(line);
    if (head !== null) {
      family = head[2] ?? '';
      assert.equal(seen.has(`${head[1]} ${family}`), false);
      seen.add(`${head[1]} ${family}`);
      continue;
    }
    assert.match(line, /^[a-z_]+(?:\{(?:[a-z_]+="(?:[^"\\\n]|\\["\\n])*",?)+\})? (?:[\d.e+-]+|\+Inf)$/);
    assert.ok(line.startsWith(family), `${line} stands under ${family}`);
  }
});

test('numbers and empty families', () => {
  const family = (value: number): Family => ({ name: 'x', help: 'a\\b\nc', type: 'gauge', samples: [{ value }] });
  assert.equal(exposition([family(Number.POSITIVE_INFINITY)]), '# HELP x a\\\\b\\nc\n# TYPE x gauge\nx +Inf\n');
  assert.match(exposition([family(Number.NaN)]), /^x NaN$/m);
  assert.match(exposition([family(Number.NEGATIVE_INFINITY)]), /^x -Inf$/m);
  assert.equal(exposition([{ ...family(1), samples: [] }]), '');
});

test('no caller can fill memory with label values', () => {
  const counter = labelledCounter('peer', 'code');
  for (let i = 0; i < 5_000; i++) counter.add([`p${i}`, 'x']);
  counter.add(['p0', 'x']);
  const samples = counter.samples();
  assert.equal(samples.length, 1_001);
  assert.equal(samples[0]?.value, 2);
  assert.deepEqual(samples.at(-1), { labels: { peer: 'other', code: 'other' }, value: 4_000 });
});

test('property: a histogram counts every value once, in the first bucket that holds it', () => {
  const bounds = [1, 5, 10];
  fc.assert(
    fc.property(fc.array(fc.double({ min: 0, max: 20, noNaN: true })), (values) => {
      const seconds = histogram(bounds);
      for (const value of values) seconds.observe(value);
      const samples = seconds.samples({});
      for (const [i, bound] of [...bounds, Number.POSITIVE_INFINITY].entries()) {
        assert.equal(samples[i]?.value, values.filter((value) => value <= bound).length);
      }
      assert.equal(samples.at(-1)?.value, values.length);
    }),
  );
});
