import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { AgentError, type Agents, agentsFrom, ConfigError } from '../../src/library/agent.ts';
import { tempDir } from '../support/temp.ts';
import { conformanceHost, HOST_TOKEN, type TestHost } from './support.ts';

const MODULE = `export const agents = [
  { id: 'shout', execute: ({ input }) => input.toUpperCase() },
  { id: 'slow', execute: (request, { signal }) => new Promise((resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason))) },
];`;

let host: TestHost;
before(async () => {
  host = await conformanceHost([{ id: 'shout', execute: ({ input }) => input.toUpperCase() }]);
});
after(() => host.stop());

/** The program that stays the same. */
async function program(agents: Agents): Promise<string> {
  let text = '';
  for await (const event of agents.get('shout').stream({ input: 'hello' })) text += event.chunk?.text ?? '';
  return text + (await agents.get('shout').execute({ input: ' again' })).output;
}

test('an agent moves by one line of the configuration', async (t) => {
  const directory = tempDir(t);
  await writeFile(join(directory, 'agents.mjs'), MODULE);
  const file = join(directory, 'agents.yaml');
  for (const place of [
    './agents.mjs',
    `{ url: "${host.url}", token_env: HOST_TOKEN }`,
    `{ url: "${host.grpcUrl}", token_env: HOST_TOKEN }`,
  ]) {
    await writeFile(file, `agents:\n  shout: ${place}\n`);
    const agents = await agentsFrom(file, { env: { HOST_TOKEN } });
    assert.deepEqual(agents.ids, ['shout']);
    assert.equal(await program(agents), 'HELLO AGAIN');
    await agents.close();
  }
});

test('an id that nobody has is named with those that there are', async () => {
  const agents = await agentsFrom({ agents: { a: host.url, b: host.grpcUrl } });
  assert.throws(
    () => agents.get('c'),
    (error) => error instanceof AgentError && error.code === 'not_found' && error.message.endsWith('only: a, b'),
  );
  await agents.close();
});

test('after close no call goes out', async () => {
  const agents = await agentsFrom({ agents: { shout: host.url } });
  await agents.close();
  await assert.rejects(agents.get('shout').execute({ input: 'x' }), { code: 'unreachable' });
});

test('a timeout holds for calls that bring none, wherever the agent is', async (t) => {
  const directory = tempDir(t);
  await writeFile(join(directory, 'agents.mjs'), MODULE);
  const agents = await agentsFrom(
    { agents: { slow: { module: './agents.mjs', timeout: '50ms' } } },
    { cwd: directory },
  );
  await assert.rejects(agents.get('slow').execute({ input: 'x' }), { code: 'timeout' });
  const startedAt = performance.now();
  await assert.rejects(agents.get('slow').execute({ input: 'x', timeout_seconds: 0.2 }), { code: 'timeout' });
  assert.ok(performance.now() - startedAt > 190);
});

test('a module without the agent, and one that cannot be loaded, are faults with their place', async (t) => {
  const directory = tempDir(t);
  await writeFile(join(directory, 'agents.mjs'), MODULE);
  await writeFile(join(directory, 'broken.mjs'), 'throw new Error("cannot start")');
  const file = join(directory, 'agents.yaml');
  await writeFile(file, 'agents:\n  whisper: ./agents.mjs\n');
  await assert.rejects(agentsFrom(file), (error) => {
    assert.ok(error instanceof ConfigError);
    assert.match(
      error.message,
      /agents\.yaml:2:\d+: agents\.whisper: the module exports no agent whisper, only: shout, slow/,
    );
    return true;
  });
  await assert.rejects(agentsFrom({ agents: { a: './broken.mjs' } }, { cwd: directory }), /cannot start/);
});
