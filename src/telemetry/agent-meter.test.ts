import assert from 'node:assert/strict';
import { test } from 'node:test';
import { agentMeter } from './agent-meter.ts';
import { exposition } from './exposition.ts';

async function render(meter: ReturnType<typeof agentMeter>): Promise<string> {
  return exposition([...(await meter.source())]);
}

test('runs are counted by how they ended, and timed without their waiting', async () => {
  const meter = agentMeter(() => [{ agent: 'a', running: 2, waiting: 3 }]);
  meter.ended('a', 'ok', 0.2);
  meter.ended('a', 'ok', 20);
  meter.ended('a', 'timeout', undefined);
  const text = await render(meter);
  for (const line of [
    'outrider_agent_runs_total{agent="a",outcome="ok"} 2',
    'outrider_agent_runs_total{agent="a",outcome="timeout"} 1',
    'outrider_agent_run_seconds_bucket{agent="a",le="0.25"} 1',
    'outrider_agent_run_seconds_count{agent="a"} 2',
    'outrider_agent_running{agent="a"} 2',
    'outrider_agent_waiting{agent="a"} 3',
  ]) {
    assert.ok(text.includes(`${line}\n`), line);
  }
});

test('agents that come and go cannot fill memory', async () => {
  const meter = agentMeter(function* () {
    for (let i = 0; i < 5_000; i++) yield { agent: `a${i}`, running: 0, waiting: 0 };
  });
  for (let i = 0; i < 5_000; i++) meter.ended(`a${i}`, 'ok', 1);
  const text = await render(meter);
  assert.ok(text.split('\n').filter((line) => line.startsWith('outrider_agent_run_seconds_count')).length <= 1_001);
  assert.ok(text.split('\n').filter((line) => line.startsWith('outrider_agent_running')).length <= 1_001);
  assert.match(text, /outrider_agent_run_seconds_count{agent="other"} 4000\n/);
});
