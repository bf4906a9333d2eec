// Packs the package, installs the tarball in an empty folder as a user would, and runs what was installed.
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'outrider-package-'));
// Under this Node, whatever else is on the path.
const env = { ...process.env, PATH: `${dirname(process.execPath)}${delimiter}${process.env['PATH'] ?? ''}` };

function run(command: string, args: string[], cwd: string): string {
  return execFileSync(command, args, { cwd, env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
}

function expect(what: string, holds: boolean, seen: unknown): void {
  if (!holds) throw new Error(`${what}: ${JSON.stringify(seen)}`);
  console.log(`ok  ${what}`);
}

/** The port that the log of a host names. */
async function listeningPort(log: Readable): Promise<number> {
  let text = '';
  for await (const chunk of log) {
    text += String(chunk);
    const port = /"msg":"listening".*"port":(\d+)/.exec(text)?.[1];
    if (port !== undefined) return Number(port);
  }
  throw new Error(`the host ended: ${text}`);
}

try {
  const [packed] = JSON.parse(run('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', folder], root));
  const files: string[] = packed.files.map(({ path }: { path: string }) => path);
  const stray = files.filter(
    (file) => !/^(bin|dist|proto|schema|web)\/|^(package\.json|README\.md|LICENSE|CHANGELOG\.md)$/.test(file),
  );
  expect('the tarball holds nothing but what is published', stray.length === 0, stray);
  expect('no test is published', !files.some((file) => /\.test\./.test(file)), files);

  run('npm', ['init', '-y'], folder);
  run('npm', ['install', '--no-audit', '--no-fund', join(folder, packed.filename)], folder);
  const version = run('npx', ['outrider', '--version'], folder).trim();
  expect('npx outrider --version', version === packed.version, version);

  const check = spawnSync('npx', ['outrider', 'config', 'check'], {
    cwd: folder,
    env: { ...env, AGENT_NAME: 'package', AGENT_AUTH_TOKEN: 'package-token' },
    encoding: 'utf8',
  });
  expect('npx outrider config check', check.status === 0, check.stderr);
  const ran = spawnSync('npx', ['outrider', 'run', '--', process.execPath, '-e', 'process.exit(7)'], {
    cwd: folder,
    env: {
      ...env,
      AGENT_NAME: 'package',
      AGENT_AUTH_TOKEN: 'package-token',
      OUTRIDER_AGENT_URL: 'http://127.0.0.1:9',
      OUTRIDER_DATA_DIR: join(folder, 'data'),
      OUTRIDER_INBOUND_ADDR: '127.0.0.1:0',
      OUTRIDER_LOCAL_ADDR: '127.0.0.1:0',
      OUTRIDER_MCP_ADDR: '127.0.0.1:0',
      OUTRIDER_COST_ADDR: '127.0.0.1:0',
    },
    encoding: 'utf8',
    timeout: 30_000,
  });
  expect("npx outrider run gives the agent's exit code", ran.status === 7, ran.stderr);

  // The library as an application would import it, and the host as it would start it.
  writeFileSync(join(folder, 'agents.mjs'), "export const agents = [{ id: 'echo', execute: ({ input }) => input }];\n");
  writeFileSync(
    join(folder, 'app.mjs'),
    `import { agentsFrom, localAgent } from 'outrider/agent';
     import { agentConformance } from 'outrider/agent/testing';
     const agents = await agentsFrom({ agents: { echo: { url: process.argv[2], token_env: 'TOKEN' } } });
     const replies = [localAgent(({ input }) => input), agents.get('echo')].map((agent) => agent.execute({ input: 'hello' }));
     console.log(JSON.stringify([typeof agentConformance, ...(await Promise.all(replies)).map(({ output }) => output)]));
     await agents.close();`,
  );
  const hostEnv = { ...env, AGENT_AUTH_TOKEN: 'package-token', OUTRIDER_DATA_DIR: join(folder, 'host') };
  // Not through npx, which would not hand on the signal that ends it.
  const bin = join(folder, 'node_modules/outrider/bin/outrider.js');
  const host = spawn(process.execPath, [bin, 'host', '--addr', '127.0.0.1:0', 'agents.mjs'], {
    cwd: folder,
    env: hostEnv,
    stdio: ['ignore', 'inherit', 'pipe'],
  });
  try {
    const port = await listeningPort(host.stderr);
    for (const scheme of ['http', 'grpc']) {
      const said = spawnSync(process.execPath, ['app.mjs', `${scheme}://127.0.0.1:${port}`], {
        cwd: folder,
        env: { ...env, TOKEN: 'package-token' },
        encoding: 'utf8',
        timeout: 30_000,
      });
      const expected = JSON.stringify(['function', 'hello', 'hello']);
      expect(`outrider/agent calls an installed host over ${scheme}`, said.stdout.trim() === expected, said);
    }
    const page = await fetch(`http://127.0.0.1:${port}/docs`);
    expect('the page to try agents from is part of it', page.status === 200, page.status);
  } finally {
    host.kill('SIGTERM');
    await once(host, 'exit');
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
