import assert from 'node:assert/strict';
import { it } from 'node:test';
import { loadHostConfig } from './host-load.ts';
import { ENV, FILE, faults, load } from './load.fixtures.test.ts';
import { loadConfig } from './load.ts';
import { showConfig } from './show.ts';

it('the text in the environment stands for the file, with its places', async () => {
  const env = { ...ENV, OUTRIDER_CONFIG_YAML: 'team: text\ndrain_timeout: 5s\n' };
  const result = await load('team: file\nagent_url: http://file:1\n', env);
  assert.deepEqual([result.values.team, result.values.agent_url], ['text', 'http://127.0.0.1:8081']);
  assert.equal(result.file, undefined);
  assert.deepEqual(result.originOf(['drain_timeout']), { file: 'env OUTRIDER_CONFIG_YAML', line: 2, column: 16 });
  assert.deepEqual(result.warnings, []);
  // There is no file to watch.
  assert.equal(result.config.guardSource.file, undefined);
  assert.equal((await result.config.guardSource.read()).text, result.config.guardSource.text);
});

it('single variables win over it', async () => {
  const env = { ...ENV, OUTRIDER_CONFIG_YAML: 'team: text\ndrain_timeout: 5s\n', OUTRIDER_DRAIN_TIMEOUT: '8' };
  const { values } = await load(undefined, env);
  assert.deepEqual([values.team, values.drain_timeout], ['text', 8_000]);
});

it('a file that is named is read instead, with a warning', async () => {
  const env = { ...ENV, OUTRIDER_CONFIG_YAML: 'team: text', OUTRIDER_CONFIG: FILE };
  const { values, warnings } = await load('team: file', env);
  assert.equal(values.team, 'file');
  assert.deepEqual(warnings, [`OUTRIDER_CONFIG_YAML is not read: the configuration file ${FILE} was named`]);
});

it('an empty one is as if it were not there', async () => {
  assert.equal((await load('team: file', { ...ENV, OUTRIDER_CONFIG_YAML: '' })).values.team, 'file');
});

it('every fault of it has line and column, and none quotes it', async () => {
  const text = ['team: x', 'guardrail: []', 'a2a_peers: { p: hunter2@@nowhere }', 'limits:', '  body_byte: 3'].join(
    '\n',
  );
  assert.deepEqual(await faults(undefined, { ...ENV, OUTRIDER_CONFIG_YAML: text }), [
    'env OUTRIDER_CONFIG_YAML:2:1: guardrail: unknown key (did you mean guardrails?)',
    'env OUTRIDER_CONFIG_YAML:3:17: a2a_peers.p: expected URL or TOKEN@@URL, with an http:// or https:// URL',
    'env OUTRIDER_CONFIG_YAML:5:3: limits.body_byte: unknown key (did you mean body_bytes?)',
  ]);
  const broken = await faults(undefined, { ...ENV, OUTRIDER_CONFIG_YAML: 'team: [hunter2' });
  assert.match(broken.join(), /^env OUTRIDER_CONFIG_YAML:1:\d+: invalid YAML/);
  assert.doesNotMatch(broken.join(), /hunter2/);
  const large = `# ${'x'.repeat(2 ** 20)}`;
  assert.deepEqual(await faults(undefined, { ...ENV, OUTRIDER_CONFIG_YAML: large }), [
    'env OUTRIDER_CONFIG_YAML: larger than 1 MiB',
  ]);
});

it('what is shown of it holds no secret', async () => {
  const env = { ...ENV, OUTRIDER_CONFIG_YAML: 'a2a_peers: { p: hunter2@@http://p }' };
  const shown = showConfig(await load(undefined, env), env);
  assert.match(shown, /token: "?\*\*\*"? # env OUTRIDER_CONFIG_YAML/);
  assert.doesNotMatch(shown, /hunter2/);
});

it('a host does not read it', async () => {
  const env = { OUTRIDER_ALLOW_NO_AUTH: '1', OUTRIDER_CONFIG_YAML: 'no: such key' };
  const { warnings } = await loadHostConfig({ env, cwd: '/srv', readFile: () => absent() });
  assert.doesNotMatch(warnings.join(), /CONFIG_YAML/);
});

it("the platform's port stands where the address says $PORT", async () => {
  const addressOf = async (text: string, port?: string): Promise<string> => {
    const env = { ...ENV, OUTRIDER_INBOUND_ADDR: text, ...(port !== undefined && { PORT: port }) };
    return (await loadConfig({ env, cwd: '/srv', readFile: () => absent() })).values.inbound_addr;
  };
  assert.equal(await addressOf(':$PORT', '3000'), ':3000');
  // biome-ignore lint/suspicious/noTemplateCurlyInString: read by the program, not by JavaScript
  assert.equal(await addressOf('0.0.0.0:${PORT}', '3000'), '0.0.0.0:3000');
  assert.equal(await addressOf('[::]:$PORT'), '[::]:8080');
  assert.equal(await addressOf(':$PORT', ''), ':8080');
  assert.equal(await addressOf(':9000', '3000'), ':9000');
  for (const port of ['http', '70000', '8080 ']) {
    assert.deepEqual(await faults(undefined, { ...ENV, OUTRIDER_INBOUND_ADDR: ':$PORT', PORT: port }), [
      'env PORT: inbound_addr: expected a port: env OUTRIDER_INBOUND_ADDR refers to it',
    ]);
  }
  assert.deepEqual(await faults(undefined, { ...ENV, OUTRIDER_INBOUND_ADDR: ':$PORTS', PORT: '1' }), [
    'env OUTRIDER_INBOUND_ADDR: inbound_addr: expected HOST:PORT or :PORT',
  ]);
  // Of the file, which is not made by the platform, the text is taken as it is.
  assert.deepEqual(await faults('inbound_addr: ":$PORT"', { ...ENV, PORT: '1' }), [
    '1:15: inbound_addr: expected HOST:PORT or :PORT',
  ]);
});

it('paths of the agent are paths', async () => {
  const { values } = await load('agent_ready_path: /ready?deep=1', { ...ENV, OUTRIDER_AGENT_HEALTH_PATH: '/healthz' });
  assert.deepEqual([values.agent_ready_path, values.agent_health_path], ['/ready?deep=1', '/healthz']);
  for (const path of ['ready', '/a b', '/a#b', '/ä', 'http://elsewhere/']) {
    assert.match(
      (await faults(undefined, { ...ENV, OUTRIDER_AGENT_READY_PATH: path })).join(),
      /expected a path/,
      path,
    );
  }
});

function absent(): never {
  throw Object.assign(new Error('absent'), { code: 'ENOENT' });
}
