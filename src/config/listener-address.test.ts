import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { findInboundAddress, findLocalAddress } from './listener-address.ts';

it('finds where the sidecar listens, whatever else is wrong', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'outrider-test-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const file = join(directory, 'outrider.yaml');
  writeFileSync(file, 'no_such_key: 1\n"inbound_addr": "127.0.0.1:7001"\n');
  const find = (env: Record<string, string>, path?: string) =>
    findInboundAddress(env, { configPath: path, cwd: directory });

  assert.deepEqual(await find({}), { host: '127.0.0.1', port: 7001 });
  assert.deepEqual(await find({ OUTRIDER_CONFIG_YAML: '{inbound_addr: ":7002"}' }), { host: '', port: 7002 });
  assert.deepEqual(await find({ OUTRIDER_CONFIG_YAML: '# inbound_addr: ":7002"' }), { host: '', port: 8080 });
  assert.deepEqual(await find({ OUTRIDER_CONFIG_YAML: 'inbound_addr: [' }), { host: '', port: 8080 });
  assert.deepEqual(await find({ OUTRIDER_CONFIG_YAML: 'team: x' }, file), { host: '127.0.0.1', port: 7001 });
  assert.deepEqual(await find({ OUTRIDER_CONFIG: '/nonexistent' }), { host: '', port: 8080 });
  assert.deepEqual(await find({ OUTRIDER_INBOUND_ADDR: ':$PORT', PORT: '7003' }), { host: '', port: 7003 });
  assert.deepEqual(await find({ AGENTBREEDER_SIDECAR_INBOUND_ADDR: '[::1]:7004' }), { host: '::1', port: 7004 });
  assert.equal(await find({ OUTRIDER_INBOUND_ADDR: 'nowhere' }), undefined);
});

it('finds where the helpers listen in the same places', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'outrider-test-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const find = (env: Record<string, string>) => findLocalAddress(env, { cwd: directory });

  assert.deepEqual(await find({}), { host: '127.0.0.1', port: 9090 });
  assert.deepEqual(await find({ OUTRIDER_CONFIG_YAML: 'a2a_addr: "127.0.0.1:9555"' }), {
    host: '127.0.0.1',
    port: 9555,
  });
  const both = { OUTRIDER_CONFIG_YAML: 'a2a_addr: "127.0.0.1:9555"', OUTRIDER_LOCAL_ADDR: '[::1]:9556' };
  assert.deepEqual(await find(both), { host: '::1', port: 9556 });
  assert.equal(await find({ OUTRIDER_LOCAL_ADDR: 'nowhere' }), undefined);
});
