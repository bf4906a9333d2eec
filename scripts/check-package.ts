// Packs the package, installs the tarball in an empty folder as a user would, and runs what was installed.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
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

try {
  const [packed] = JSON.parse(run('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', folder], root));
  const files: string[] = packed.files.map(({ path }: { path: string }) => path);
  const stray = files.filter(
    (file) => !/^(bin|dist|schema)\/|^(package\.json|README\.md|LICENSE|CHANGELOG\.md)$/.test(file),
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
} finally {
  rmSync(folder, { recursive: true, force: true });
}
