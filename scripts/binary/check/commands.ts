import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { addressOf, type Ground, sidecarEnv, TOKEN } from './ground.ts';

const MANIFEST = `services:
  agent:
    image: registry.example/agent:1.0.0
    ports: ["8080:8081"]
`;

/** The commands that end by themselves. */
export async function checkCommands(ground: Ground, version: string): Promise<void> {
  const { expect, run } = ground;
  const said = await run(['--version']);
  expect('--version', said.code === 0 && said.stdout === `${version}\n` && said.stderr === '', said);

  const agent = 'process.exit(process.env.PORT === "8181" ? 7 : 1)';
  const ran = await run(['run', '--', process.execPath, '-e', agent], sidecarEnv(ground, 'http://127.0.0.1:8181'));
  expect("run gives the agent its port, and has the agent's exit code", ran.code === 7, ran);

  const help = await run(['inject', '--help']);
  expect('inject --help', help.code === 0 && help.stdout.includes('--target'), help);
  writeFileSync(join(ground.folder, 'compose.yaml'), MANIFEST);
  const injected = await run(['inject', '--target', 'compose', 'compose.yaml']);
  const there = injected.code === 0 && injected.stdout.includes(`image: outrider/outrider:${version}`);
  expect('inject puts a sidecar of this version into a manifest', there, injected);
}

/** The ledger: its own database, and a question to it. */
export async function checkLedger(ground: Ground): Promise<void> {
  const env = { OUTRIDER_LEDGER_TOKEN: TOKEN };
  const ledger = ground.start(['ledger', '--addr', '127.0.0.1:0'], env);
  try {
    const url = await addressOf(ledger);
    const costs = await ground.run(['costs', '--url', url, '--json'], env);
    ground.expect('a ledger answers', costs.code === 0 && costs.stdout === '', costs);
    ground.expect('it stops on SIGTERM with 0', (await ledger.stop()).code === 0, ledger.stderr);
  } finally {
    await ledger.stop();
  }
}
