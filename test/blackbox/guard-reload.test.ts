import assert from 'node:assert/strict';
import { mkdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, request as httpRequest } from 'node:http';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { serve, startAgent } from '../support/agent.ts';
import { http } from '../support/http.ts';
import { metric, parseMetrics } from '../support/metrics.ts';
import { type Outrider, outriderFor, TOKEN } from '../support/outrider.ts';
import { tempDir } from '../support/temp.ts';
import { until } from '../support/until.ts';

const HEADERS = { Authorization: `Bearer ${TOKEN}`, 'Content-Type': 'text/plain' };

interface Rig {
  sidecar: Outrider;
  /** What the agent gets of a text; undefined when it is blocked. */
  got: (text: string) => Promise<string | undefined>;
  health: () => Promise<{ loaded_at: string; failing: boolean }>;
  reloads: (result: 'ok' | 'failed') => Promise<number>;
}

async function rig(t: TestContext, configFile: string): Promise<Rig> {
  const agent = await startAgent((_request, response) => response.end('ok'));
  t.after(() => agent.close());
  const sidecar = await outriderFor(t, { agentUrl: agent.url, args: ['sidecar', '--config', configFile] });
  return {
    sidecar,
    async got(text) {
      const before = agent.seen.length;
      const { status } = await http(`${sidecar.inbound}/x`, { body: text, headers: HEADERS });
      return status === 200 ? agent.seen[before]?.body.toString() : undefined;
    },
    health: async () => (await http(`${sidecar.helpers}/health`)).json.guardrails_file,
    async reloads(result) {
      const metrics = parseMetrics((await http(`${sidecar.helpers}/metrics`)).text);
      return metric(metrics, 'outrider_guard_reloads_total', { result }) ?? Number.NaN;
    },
  };
}

const rule = (word: string): string => `guardrails: [{ name: own, type: keyword, pattern: ${word} }]\n`;

describe('the configuration file changes while the sidecar runs', () => {
  test('rules are taken over, a bad file changes nothing and says so, a good one is taken again', async (t) => {
    const file = join(tempDir(t), 'outrider.yaml');
    writeFileSync(file, rule('alpha'));
    const { sidecar, got, health, reloads } = await rig(t, file);
    assert.equal(await got('alpha beta'), '[REDACTED] beta');
    const first = await health();
    assert.equal(first.failing, false);
    assert.deepEqual([await reloads('ok'), await reloads('failed')], [0, 0]);

    writeFileSync(file, `${rule('beta')}team: another\n`);
    await until(async () => (await got('alpha beta')) === 'alpha [REDACTED]', 'the new rule');
    assert.equal(await reloads('ok'), 1);
    const second = await health();
    assert.ok(second.loaded_at > first.loaded_at);
    const restart = sidecar.logs().filter(({ msg }) => String(msg).includes('need a restart'));
    assert.deepEqual(
      restart.map(({ level, keys }) => [level, keys]),
      [['info', 'team']],
    );

    writeFileSync(file, 'guardrails:\n  - nope\n  - { name: a, type: regex, pattern: "(" }\n');
    await until(async () => (await health()).failing, 'the fault');
    assert.equal(await got('alpha beta'), 'alpha [REDACTED]', 'the rules in force stay');
    assert.equal(await reloads('failed'), 1);
    const errors = sidecar.logs().filter(({ level }) => level === 'error');
    assert.equal(errors.length, 1);
    assert.match(
      JSON.stringify(errors[0]),
      /outrider\.yaml:2:5: guardrails\[0\].*outrider\.yaml:3:38: guardrails\[1\]\.pattern/,
    );

    writeFileSync(file, 'guardrails: [{ builtin: email, enabled: false }]\n');
    await until(async () => !(await health()).failing, 'the good file');
    assert.equal(await got('alpha a@example.com'), 'alpha a@example.com');
    assert.equal(await reloads('ok'), 2);
  });

  test('replaced by a link swap, as mounted configuration is', async (t) => {
    const directory = tempDir(t);
    for (const [version, word] of [
      ['v1', 'alpha'],
      ['v2', 'beta'],
    ] as const) {
      mkdirSync(join(directory, version));
      writeFileSync(join(directory, version, 'outrider.yaml'), rule(word));
    }
    symlinkSync('v1', join(directory, '..data'));
    symlinkSync('..data/outrider.yaml', join(directory, 'outrider.yaml'));
    const { got } = await rig(t, join(directory, 'outrider.yaml'));
    assert.equal(await got('alpha beta'), '[REDACTED] beta');
    symlinkSync('v2', join(directory, '..data_tmp'));
    renameSync(join(directory, '..data_tmp'), join(directory, '..data'));
    await until(async () => (await got('alpha beta')) === 'alpha [REDACTED]', 'the new rule');
  });

  test('a call under way keeps the rules that it began with, in its reply too', async (t) => {
    const file = join(tempDir(t), 'outrider.yaml');
    writeFileSync(file, rule('alpha'));
    let answer: (() => void) | undefined;
    const agent = await serve(
      createServer((request, response) => {
        request.resume();
        if (request.url !== '/slow') response.end('alpha beta');
        else answer = () => response.end('alpha beta');
      }),
    );
    t.after(() => agent.close());
    const sidecar = await outriderFor(t, { agentUrl: agent.url, args: ['sidecar', '--config', file] });
    const slow = new Promise<string>((resolve, reject) => {
      const call = httpRequest(`${sidecar.inbound}/slow`, { headers: HEADERS, agent: false }, (reply) => {
        let text = '';
        reply.on('data', (chunk: Buffer) => (text += chunk.toString()));
        reply.on('end', () => resolve(text));
      });
      call.on('error', reject);
      call.end();
    });
    await until(() => answer !== undefined, 'the slow call');
    writeFileSync(file, rule('beta'));
    const quick = async (): Promise<string> => (await http(`${sidecar.inbound}/quick`, { headers: HEADERS })).text;
    await until(async () => (await quick()) === 'alpha [REDACTED]', 'the new rule');
    answer?.();
    assert.equal(await slow, '[REDACTED] beta');
  });
});
