import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { inspect } from 'node:util';
import { ConfigError, formatFault } from './faults.ts';
import { type GuardReading, loadGuard } from './guard-source.ts';
import { disk, ENV, FILE } from './load.fixtures.test.ts';
import { loadConfig } from './load.ts';

function read(text: string, env: Record<string, string> = {}): Promise<GuardReading> {
  return loadGuard({ env, cwd: '/srv', readFile: disk({ [FILE]: text }) });
}

describe('the guardrails of a file', () => {
  it('are read without what a sidecar needs to start', async () => {
    const { guard, file, bodyLimit } = await read('guardrails: [secrets]\nlimits: {body_bytes: 1KiB}\n');
    assert.deepEqual(guard.rules, [{ type: 'preset', name: 'secrets' }]);
    assert.deepEqual([file, bodyLimit], [FILE, 1024]);
  });

  it('are read when there is no file, and when other keys are wrong', async () => {
    const none = await loadGuard({ env: {}, cwd: '/srv', readFile: disk({}) });
    assert.deepEqual([none.guard.rules, none.file, none.bodyLimit], [[], undefined, 10 * 2 ** 20]);
    const { guard, bodyLimit } = await read('guardrails: [secrets]\nlog_level: loud\nlimits: {body_bytes: lots}\n');
    assert.deepEqual([guard.rules.length, bodyLimit], [1, 10 * 2 ** 20]);
  });

  it('are refused with every fault of theirs, and keys that may have been meant for them', async () => {
    const error: unknown = await read('guardrials: []\nstream_hold: x\nguardrails: [nope]\nagent_url: x\n').catch(
      (thrown) => thrown,
    );
    assert.ok(error instanceof ConfigError, inspect(error));
    assert.deepEqual(
      error.faults.map((fault) => formatFault(fault).replace(`${FILE}:`, '')),
      [
        '1:1: guardrials: unknown key (did you mean guardrails?)',
        '2:14: stream_hold: expected a duration such as 250ms, 25s, 5m or 1h, or a number of seconds',
        '3:14: guardrails[0]: expected one of pii_detection, secrets, content_filter',
      ],
    );
    for (const text of ['guardrails: [', 'guardrails: {a: b}', '- a']) await assert.rejects(read(text), ConfigError);
  });
});

describe('the source of reloads', () => {
  it('reads the file as it is now, and names what else has changed', async () => {
    const files = { [FILE]: 'guardrails: [secrets]\nteam: a\nlimits: {burst: 1}\n' };
    const { config } = await loadConfig({ env: ENV, cwd: '/srv', readFile: disk(files) });
    assert.equal(config.guardSource.file, FILE);
    const same = await config.guardSource.read();
    assert.deepEqual(same.guard, config.guard);
    assert.deepEqual(config.guardSource.changedKeys(same), []);
    files[FILE] = 'guardrails: [pii_detection]\nlimits: {burst: 2}\nagent_version: "1"\nstream_hold: 1s\n';
    const next = await config.guardSource.read();
    assert.deepEqual(next.guard.rules, [{ type: 'preset', name: 'pii_detection' }]);
    assert.deepEqual(config.guardSource.changedKeys(next), ['team', 'limits', 'agent_version']);
  });

  it('is none when there was no file', async () => {
    const { config } = await loadConfig({ env: ENV, cwd: '/srv', readFile: disk({}) });
    assert.equal(config.guardSource.file, undefined);
  });
});
