import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { tempDir } from '../../test/support/temp.ts';
import { type AgentsFileOptions, loadAgentsFile } from './agents-file.ts';
import { ConfigError } from './faults.ts';

const OPTIONS: AgentsFileOptions = { env: { WRITER_TOKEN: 'top-secret\n' }, cwd: '/work-here' };

async function faultsOf(config: string | object, options = OPTIONS): Promise<string[]> {
  try {
    await loadAgentsFile(config, options);
  } catch (error) {
    assert.ok(error instanceof ConfigError, String(error));
    return error.message
      .split('\n')
      .slice(1)
      .map((line) => line.trim());
  }
  return [];
}

test('an agent is a path, an address, or a mapping that says more', async (t) => {
  const directory = tempDir(t);
  await mkdir(join(directory, 'conf'));
  await writeFile(
    join(directory, 'conf/agents.yaml'),
    `agents:
  weather: ./agents/weather.ts
  search: http://search.internal:8085
  planner: grpc://planner.internal:8085/blue
  writer: { url: "https://agents.example.com", remote_id: writer-2, token_env: WRITER_TOKEN, timeout: 2m, retry: false }
  editor: { url: "https://agents.example.com", retry: { attempts: 5, first_delay: 1s } }
  moved: { module: /abs/moved.js, remote_id: m, token_env: NOT_SET, retry: true }
`,
  );
  const { agents } = await loadAgentsFile('conf/agents.yaml', { ...OPTIONS, cwd: directory });
  const plain = agents.map(({ token, ...agent }) => ({ ...agent, token: token?.reveal() }));
  const nothing = { module: undefined, url: undefined, retry: undefined, timeoutMs: undefined, token: undefined };
  assert.deepEqual(plain, [
    { ...nothing, id: 'weather', remoteId: 'weather', module: join(directory, 'conf/agents/weather.ts') },
    { ...nothing, id: 'search', remoteId: 'search', url: 'http://search.internal:8085' },
    { ...nothing, id: 'planner', remoteId: 'planner', url: 'grpc://planner.internal:8085/blue' },
    {
      ...nothing,
      id: 'writer',
      remoteId: 'writer-2',
      url: 'https://agents.example.com',
      token: 'top-secret',
      retry: false,
      timeoutMs: 120_000,
    },
    {
      ...nothing,
      id: 'editor',
      remoteId: 'editor',
      url: 'https://agents.example.com',
      retry: { attempts: 5, firstDelayMs: 1_000 },
    },
    { ...nothing, id: 'moved', remoteId: 'm', module: '/abs/moved.js' },
  ]);
});

test('an object says the same, with paths from the working directory', async () => {
  const { agents } = await loadAgentsFile({ agents: { a: './a.ts', b: 'http://b' } }, OPTIONS);
  assert.equal(agents[0]?.module, '/work-here/a.ts');
  assert.equal(agents[1]?.url, 'http://b');
});

test('every fault is named, with its place, and nothing of a secret', async (t) => {
  const file = join(tempDir(t), 'agents.yaml');
  await writeFile(
    file,
    `agents:
  ok: ./a.ts
  a: ftp://host
  b: { url: "http://user:hunter2@host" }
  c: { url: "http://host", token: hunter2 }
  d: { url: "http://host", token_env: NOT_SET }
  e: { url: "http://host", timeout: -1 }
  f: { url: "http://host", retri: false }
  "g h": ./g.ts
  i: { module: ./i.ts, url: "http://host" }
agent: {}
`,
  );
  const faults = await faultsOf(file);
  const lines = faults.map((fault) => fault.replace(`${file}:`, '').split(':')[0]);
  assert.deepEqual([...new Set(lines)], ['3', '4', '5', '6', '7', '8', '9', '10', '11']);
  assert.ok(!faults.join().includes('hunter2'), faults.join('\n'));
  assert.ok(faults.some((fault) => fault.includes('did you mean retry')));
});

test('a file that is not there, or has no agents, is a fault', async () => {
  assert.match((await faultsOf('/nowhere/agents.yaml')).join(), /agents\.yaml: there is no such file/);
  assert.match((await faultsOf({})).join(), /agents: required/);
  assert.match((await faultsOf([])).join(), /expected a mapping/);
});
