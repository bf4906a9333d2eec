import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startAgent } from '../support/agent.ts';
import { http } from '../support/http.ts';
import { command, outriderFor, TOKEN } from '../support/outrider.ts';
import { freePort } from '../support/ports.ts';
import { tempDir } from '../support/temp.ts';
import { NO_TERMINAL, onTerminal } from '../support/terminal.ts';
import { until } from '../support/until.ts';

test('one JSON object a line, on stderr alone, with the severity that was asked for', async (t) => {
  const agent = await startAgent((_request, response) => response.end());
  t.after(() => agent.close());
  for (const level of ['debug', 'warn']) {
    // At a port that is known: at `warn` no line says which one it is.
    const inbound = `127.0.0.1:${await freePort()}`;
    const env = { OUTRIDER_LOG_LEVEL: level, OUTRIDER_INBOUND_ADDR: inbound };
    const sidecar = await outriderFor(t, { agentUrl: agent.url, env, wait: false });
    await until(
      () =>
        http(`http://${inbound}/health`).then(
          () => true,
          () => false,
        ),
      'the sidecar',
    );
    const headers = { Authorization: `Bearer ${TOKEN}`, Cookie: 'c=in-a-cookie' };
    const url = `http://${inbound}/path?query=in-the-query`;
    assert.equal((await http(url, { body: { secret: 'in-the-body' }, headers })).status, 200);
    await sidecar.stop();
    const { stdout, stderr } = sidecar.process;
    assert.equal(stdout, '');
    const lines = stderr
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line));
    for (const line of lines) {
      assert.match(line.time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
      assert.ok(['debug', 'info', 'warn', 'error'].includes(line.level) && typeof line.msg === 'string');
    }
    assert.doesNotMatch(stderr, /in-the-body|in-the-query|in-a-cookie|test-token/);
    const requests = lines.filter(({ msg }) => msg === 'request');
    assert.deepEqual(
      requests.map(({ surface, method, path, status }) => [surface, method, path, status]),
      level === 'debug' ? [['inbound', 'POST', '/path', 200]] : [],
    );
    if (level === 'warn') assert.ok(lines.every((line) => line.level !== 'info' && line.level !== 'debug'));
  }
});

test('on a terminal they are for people, in colour unless NO_COLOR is set; log_format can say otherwise', {
  skip: NO_TERMINAL,
}, async (t) => {
  const show = async (env: Record<string, string>): Promise<string> => {
    const { code, shown } = await onTerminal(command('run', '--', '/bin/sh', '-c', 'exit 3'), {
      AGENT_NAME: 'a',
      AGENT_AUTH_TOKEN: TOKEN,
      OUTRIDER_AGENT_URL: `http://127.0.0.1:${await freePort()}`,
      OUTRIDER_INBOUND_ADDR: '127.0.0.1:0',
      OUTRIDER_LOCAL_ADDR: '127.0.0.1:0',
      OUTRIDER_MCP_ADDR: '127.0.0.1:0',
      OUTRIDER_COST_ADDR: '127.0.0.1:0',
      OUTRIDER_DATA_DIR: tempDir(t),
      ...env,
    });
    assert.equal(code, 3);
    return shown;
  };
  const colour = await show({});
  assert.match(colour, /listening/);
  // oxlint-disable-next-line no-control-regex -- that is what a colour is
  assert.match(colour, /\u001b\[/);
  assert.ok(colour.split('\n').every((line) => !line.startsWith('{')));
  const plain = await show({ NO_COLOR: '1' });
  assert.match(plain, /listening/);
  assert.ok(!plain.includes('\u001b['));
  const json = (await show({ OUTRIDER_LOG_FORMAT: 'json' }))
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  assert.ok(json.some(({ msg }) => msg === 'listening'));
});
