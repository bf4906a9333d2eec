import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { until } from '../scripts/demo/until.ts';

const path = (name: string): string => fileURLToPath(new URL(`../${name}`, import.meta.url));

interface Demo {
  child: ChildProcess;
  /** The directory in which it makes its own; every process of the demo has it in its environment. */
  temp: string;
  /** What it has printed so far; all of it once `code` is there. */
  said: () => string;
  code: Promise<number | null>;
}

async function startDemo(t: TestContext, env: Record<string, string> = {}): Promise<Demo> {
  const directory = await mkdtemp(join(tmpdir(), 'outrider-test-'));
  const temp = join(directory, 'temp');
  await mkdir(temp);
  const child = spawn(process.execPath, [path('scripts/demo.ts')], {
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'], TMPDIR: temp, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const code = once(child, 'close').then(([code]: (number | null)[]) => code ?? null);
  t.after(async () => {
    // A tour that hangs is asked to end, so that it ends what it has started.
    if (child.exitCode === null) child.kill('SIGTERM');
    await code;
    await rm(directory, { recursive: true, force: true });
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      said += chunk;
    });
  }
  return { child, temp, said: () => said, code };
}

/** Neither files nor processes. */
async function assertNothingLeft({ temp }: Demo): Promise<void> {
  assert.deepEqual(await readdir(temp), []);
  if (!existsSync('/proc/self/environ')) return;
  // What was killed may take a moment to be gone.
  for (let i = 0; i < 50 && processesWith(temp).length > 0; i++) await sleep(20);
  assert.deepEqual(processesWith(temp), []);
}

/** Command lines of the processes that have this text in their environment. */
function processesWith(wanted: string): string[] {
  return readdirSync('/proc').flatMap((pid) => {
    try {
      const found = /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/environ`, 'utf8').includes(wanted);
      return found ? [readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')] : [];
    } catch {
      return []; // Not ours, or gone meanwhile.
    }
  });
}

test('every step shows what it has to, in 100 columns without colours, and nothing is left', async (t) => {
  const demo = await startDemo(t);
  const code = await demo.code;
  const output = demo.said();
  assert.equal(code, 0, output);
  const [, steps, shown, skipped = '0'] =
    /^(\d+) steps, (\d+) shown(?:, (\d+) skipped)?, [\d.]+ seconds$/m.exec(output) ?? [];
  assert.ok(Number(steps) >= 24, output);
  assert.equal(Number(shown) + Number(skipped), Number(steps), output);
  assert.ok(!output.includes('✗'), output);
  assert.ok(!output.includes('\u001b'), 'there are escape sequences');
  assert.deepEqual(
    output.split('\n').filter((line) => Array.from(line).length > 100),
    [],
  );
  await assertNothingLeft(demo);
});

test('an agent that does not do its part fails the step that shows it, and the tour', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'outrider-test-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  const agent = join(directory, 'agent.mjs');
  // The example agent, but without its API document.
  await writeFile(
    agent,
    `import http from 'node:http';
     import { syncBuiltinESMExports } from 'node:module';
     const { createServer } = http;
     http.createServer = (serve) => createServer((request, response) => {
       if (request.url === '/openapi.json') response.writeHead(404).end();
       else serve(request, response);
     });
     syncBuiltinESMExports();
     await import(${JSON.stringify(path('examples/agent-node/agent.ts'))});`,
  );
  const demo = await startDemo(t, { DEMO_AGENT: agent });
  const code = await demo.code;
  const output = demo.said();
  assert.equal(code, 1, output);
  assert.deepEqual(
    output.match(/^ {2}✗ .*$/gm),
    ["  ✗ it has the sidecar's paths and, merged in, the agent's"],
    output,
  );
  const [, steps, shown, skipped = '0'] = /^(\d+) steps, (\d+) shown(?:, (\d+) skipped)?/m.exec(output) ?? [];
  assert.equal(Number(shown) + Number(skipped), Number(steps) - 1, output);
  await assertNothingLeft(demo);
});

for (const [when, sign] of [
  ['while it starts', 'tour of the running product'],
  ['in the middle', 'token by token'],
] as const) {
  test(`Ctrl-C ${when} ends everything`, async (t) => {
    const demo = await startDemo(t);
    await until(sign, () => demo.said().includes(sign), 60_000);
    await sleep(300);
    demo.child.kill('SIGINT');
    assert.equal(await demo.code, 130, demo.said());
    await assertNothingLeft(demo);
  });
}
