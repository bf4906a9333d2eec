import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OutriderError } from '../errors.ts';
import { parseCostEvent } from './cost-event.ts';

const DEFAULTS = { agent: 'support', agent_version: '2', team: null, trace_id: 'abc', now: '2026-01-31T12:00:00.000Z' };
const GOOD = { model: 'm', input_tokens: 1, output_tokens: 2, cost_usd: 0.0038 };

function faultsOf(body: unknown, key?: string): string[] {
  try {
    parseCostEvent(body, DEFAULTS, key);
  } catch (error) {
    assert.ok(error instanceof OutriderError);
    assert.equal(error.code, 'bad_request');
    return ((error.details ?? {})['faults'] as { path: string }[]).map((fault) => fault.path);
  }
  return [];
}

test('the smallest event gets its defaults', () => {
  const { event_id, ...event } = parseCostEvent(GOOD, DEFAULTS);
  assert.match(event_id, /^[0-9a-f-]{36}$/);
  assert.deepEqual(event, {
    agent: 'support',
    agent_version: '2',
    team: null,
    model: 'm',
    provider: null,
    input_tokens: 1,
    output_tokens: 2,
    cached_input_tokens: null,
    cache_write_tokens: null,
    reasoning_tokens: null,
    usage: null,
    cost_nanos: 3_800_000,
    trace_id: 'abc',
    occurred_at: DEFAULTS.now,
  });
});

test('what the event says goes before the defaults, and its id before the header', () => {
  const body = {
    ...GOOD,
    cost_usd: null,
    agent: 'a',
    team: 't',
    occurred_at: '2026-01-01T00:00:00+01:00',
    event_id: 'x',
  };
  const event = parseCostEvent(body, DEFAULTS, 'header-key');
  assert.equal(event.event_id, 'x');
  assert.equal(event.agent, 'a');
  assert.equal(event.team, 't');
  assert.equal(event.cost_nanos, null);
  assert.equal(event.occurred_at, '2025-12-31T23:00:00.000Z');
  assert.equal(parseCostEvent(GOOD, DEFAULTS, 'header-key').event_id, 'header-key');
});

test('every fault is named at once', () => {
  const body = { model: '', input_tokens: -1, output_tokens: 1.5, cost_usd: '1', occurred_at: 'now', event_id: 'é' };
  assert.deepEqual(faultsOf(body).sort(), [
    'cost_usd',
    'event_id',
    'input_tokens',
    'model',
    'occurred_at',
    'output_tokens',
  ]);
});

test('bad values, one by one', () => {
  for (const [path, value] of [
    ['model', 5],
    ['model', 'a\nb'],
    ['model', '\u001b[2J'],
    ['model', '\ud800'],
    ['model', 'x'.repeat(257)],
    ['input_tokens', 2 ** 53],
    ['input_tokens', '7'],
    ['output_tokens', null],
    ['cached_input_tokens', -1],
    ['cache_write_tokens', 0.5],
    ['reasoning_tokens', '3'],
    ['usage', 'most'],
    ['cost_usd', -1],
    ['cost_usd', 1e7],
    ['cost_usd', undefined],
    ['provider', ''],
    ['agent', 'x'.repeat(129)],
    ['event_id', ''],
    ['event_id', 'x'.repeat(129)],
    ['trace_id', 1],
  ] as const) {
    assert.deepEqual(faultsOf({ ...GOOD, [path]: value }), [path], `${path}: ${String(value)}`);
  }
  assert.deepEqual(faultsOf(GOOD, 'x'.repeat(129)), ['Idempotency-Key']);
  for (const body of [null, [], 'text', 1]) assert.deepEqual(faultsOf(body), ['body']);
});
