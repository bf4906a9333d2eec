// `node scripts/remote-agent-example.ts`: the example of examples/remote-agent, run by itself in all its ways, with copies of its
// files and ports that are free. Exits 0 only if the application says the same wherever its agent runs, and every caller is answered.
import { constants } from 'node:os';
import type { Child, Program } from './demo/children.ts';
import { Closing } from './demo/closing.ts';
import { breakGround, checkout, findPython, type Ground, outrider } from './demo/ground.ts';
import { orStopped } from './demo/stopped.ts';
import { until } from './demo/until.ts';
import { copyExample, type Example } from './remote-agent/ways.ts';

const TOKEN = 'example-token';
const TEXT = 'One sentence. Another one.';
const LIMIT_MS = 20_000;

const say = (text: string): void => void process.stdout.write(`${text}\n`);

async function show(ground: Ground): Promise<void> {
  const example = await copyExample(ground);
  if (example.ways.length !== 3) throw new Error(`expected three ways, not ${example.ways.length}`);
  await startServers(ground, example);
  const outputs = new Map<string, string>();
  for (const way of example.ways) {
    const changed = await example.move(way);
    if (changed.length > 1) throw new Error(`more than one line is another: ${changed.join('; ')}`);
    say(`\n${way.name}\n  ${way.line}\n`);
    const output = await ran(ground, app(example), { SUMMARIZER_TOKEN: TOKEN });
    say(output.replace(/^/gm, '    '));
    outputs.set(output, way.name);
  }
  if (outputs.size !== 1) throw new Error(`not the same everywhere: ${[...outputs.values()].join(', ')}`);
  say('\nthe same in each of them');
  await callFromElsewhere(ground, example);
}

/** The host with the agent, and a sidecar before it and one on the way there. */
async function startServers(ground: Ground, { file, address }: Example): Promise<void> {
  const env = { AGENT_AUTH_TOKEN: TOKEN, OUTRIDER_LOG_FORMAT: 'json' };
  const sidecar = (name: string): Child =>
    ground.start('sidecar', outrider('sidecar', '--config', file(`${name}.yaml`)), { ...env, AGENT_NAME: name });
  const host = outrider('host', '--addr', address(8085), file('summarizer.ts'));
  const children = [ground.start('part', host, env), sidecar('inner'), sidecar('outer')];
  await Promise.all(children.map((child) => listens(child)));
}

async function listens(child: Child): Promise<void> {
  let ended = false;
  const end = (): void => void (ended = true);
  child.exited.then(end, end);
  await until(
    'all parts listen',
    () => {
      if (ended) throw new Error(`a part did not start:\n${child.stderr}`);
      return /"msg":"listening"[^\n]*"listener":"(?:host|inbound)"/.test(child.stderr + child.stdout);
    },
    LIMIT_MS,
  );
}

/** As `npx node --import …` of the README, in the copy. */
function app({ file }: Example): Pick<Program, 'command' | 'args'> {
  return { command: process.execPath, args: ['--import', checkout('scripts/from-source.ts'), file('app.ts')] };
}

async function callFromElsewhere(ground: Ground, { file, address }: Example): Promise<void> {
  const url = `http://${address(8085)}`;
  const guarded = `grpc://${address(8092)}`;
  const env = { OUTRIDER_TOKEN: TOKEN };
  const answers = new Set<string>();
  const ask = async (shown: string, program: Pick<Program, 'command' | 'args'>): Promise<void> => {
    const output = await ran(ground, program, env);
    say(`\n${shown}\n    ${output}`);
    answers.add(output);
  };
  for (const args of [[url], [url, '--stream'], [url, '--grpc'], [guarded, '--stream']]) {
    const [target = '', ...flags] = args;
    await ask(`outrider call ${args.join(' ')}`, outrider('call', target, 'summarizer', TEXT, ...flags));
  }
  const python = findPython();
  if (python === undefined) say('\ncaller.py: skipped, since there is no python3 (3.9 or later)');
  else await ask('caller.py', { command: python, args: [file('caller.py'), url, 'summarizer', TEXT] });
  if (answers.size !== 1) throw new Error('callers were not answered the same');
}

/** Output of a program that ends by itself, and well. */
async function ran(
  ground: Ground,
  program: Pick<Program, 'command' | 'args'>,
  env: Record<string, string>,
): Promise<string> {
  const child = ground.start('part', program, env);
  const timer = setTimeout(() => child.signalGroup('SIGKILL'), LIMIT_MS);
  const { code } = await child.exited;
  clearTimeout(timer);
  if (code === 0) return child.stdout.trimEnd();
  throw new Error(`${program.args.join(' ')} ended with ${code}:\n${child.stdout}${child.stderr}`);
}

/** Gives the exit code. */
async function main(stopped: AbortSignal): Promise<number> {
  const closing = new Closing();
  try {
    await orStopped(show(await breakGround(closing)), stopped);
    return 0;
  } finally {
    await closing.run();
  }
}

const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => stop.abort(new Error(`ended by ${signal}`, { cause: 128 + constants.signals[signal] })));
}

// Not left to an empty event loop: what was given up may still hold it.
process.exit(
  await main(stop.signal).catch((error: unknown) => {
    const { message, cause } = error instanceof Error ? error : new Error(String(error));
    process.stderr.write(`remote-agent-example: ${message}\n`);
    return typeof cause === 'number' ? cause : 1;
  }),
);
