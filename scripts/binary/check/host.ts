import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { addressOf, type Ground, TOKEN } from './ground.ts';

/** In TypeScript, with a module beside it, a package of its own, and a wait at the top: all that modules may have. */
const FILES = {
  'agents.ts': `import { loud } from './loud.ts';
import { basename } from 'node:path';
import { mark } from 'marks';
import { AgentError } from 'outrider/agent';
interface Request { input: string }
const ending: string = await Promise.resolve(mark);
const refuse = (): never => { throw new AgentError('storage_full', 'not today'); };
export const agents = [
  { id: 'echo', execute: ({ input }: Request) => loud(input) + ending + basename('/a/b') },
  { id: 'refuse', execute: refuse },
];
`,
  'loud.ts': 'export const loud = (text: string): string => text.toUpperCase();\n',
  'node_modules/marks/package.json': '{ "name": "marks", "main": "index.cjs" }',
  'node_modules/marks/index.cjs': "exports.mark = '!';\n",
};

/** A host with agents from a module on disk, asked over HTTP, over gRPC and as a job, and its page. */
export async function checkHost(ground: Ground): Promise<void> {
  const { expect } = ground;
  mkdirSync(join(ground.folder, 'node_modules/marks'), { recursive: true });
  for (const [name, text] of Object.entries(FILES)) writeFileSync(join(ground.folder, name), text);
  const env = { AGENT_AUTH_TOKEN: TOKEN, OUTRIDER_DATA_DIR: join(ground.folder, 'host') };
  const host = ground.start(['host', '--addr', '127.0.0.1:0', 'agents.ts'], env);
  try {
    const url = await addressOf(host);
    for (const address of [url, url.replace('http:', 'grpc:')]) {
      const called = await ground.run(['call', address, 'echo', 'hello', '--token', TOKEN]);
      expect(`an agent of a module on disk, at ${address.split(':')[0]}`, called.stdout.trim() === 'HELLO!b', called);
    }
    const refused = await ground.run(['call', url, 'refuse', 'hello', '--token', TOKEN]);
    expect("an error of 'outrider/agent' is known", refused.code === 1 && /not today/.test(refused.stderr), refused);
    const job = await fetch(`${url}/v1/agents/echo/jobs`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${TOKEN}`, 'Content-Type': 'application/json' },
      body: JSON.stringify({ input: 'later' }),
    });
    expect('a job is stored', job.status === 202, await job.text());
    for (const path of ['/docs', '/docs/page.css', '/docs/page.js']) {
      const page = await fetch(url + path);
      expect(`${path} is part of it`, page.status === 200 && (await page.text()).length > 500, page.status);
    }
    expect('it stops on SIGTERM with 0', (await host.stop()).code === 0, host.stderr);
  } finally {
    await host.stop();
  }
  writeFileSync(join(ground.folder, 'broken.ts'), "import 'a-package-that-is-not-there';\n");
  const broken = await ground.run(['host', '--addr', '127.0.0.1:0', 'broken.ts'], env);
  const clear = broken.code === 1 && /broken\.ts.*cannot be loaded.*a-package-that-is-not-there/s.test(broken.stderr);
  expect('a module that cannot be loaded is named, with what it lacks', clear, broken);
}
