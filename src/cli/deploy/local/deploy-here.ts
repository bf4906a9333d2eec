import { dirname, resolve } from 'node:path';
import type { VariableName } from '../../../config/variables.ts';
import { makePlan } from '../../../deploy/make-plan.ts';
import type { Plan } from '../../../deploy/plan.ts';
import type { Environment } from '../../../environment.ts';
import { OutriderError } from '../../../errors.ts';
import { tcpProbe } from '../../../net/probe.ts';
import { within } from '../../../run/within.ts';
import { serve, serveAlone } from '../../serve.ts';
import { type AgentSource, whyNoSidecar } from '../agent-source.ts';
import type { DeployDeps } from '../deps.ts';
import { Failure } from '../failure.ts';
import { planOptions } from '../flags.ts';
import { PUBLIC_PORT, type RenderFlags } from '../render.ts';
import { composeHere, whyNoCompose } from './compose-here.ts';
import { agentSettings, checkSecrets, madeUpToken, sidecarEnvironment } from './environments.ts';
import { type NamedLines, namedLines } from './named-lines.ts';
import { startCommand } from './start-command.ts';
import { aloneText, welcome } from './welcome.ts';

/** What the agent wrote last may still be on its way when it has ended. */
const LAST_WORDS_MS = 1_000;

/** Runs an agent here, with its sidecar if it asks for one, until Ctrl-C or its own end. Gives the agent's exit code. */
export async function deployHere(
  agent: AgentSource,
  words: readonly string[],
  flags: RenderFlags,
  deps: DeployDeps,
): Promise<number> {
  const inboundPort = flags.publicPort ?? flags.inboundPort ?? PUBLIC_PORT;
  const plan = makePlan(agent.spec, { ...planOptions(flags, deps.version), inboundPort });
  checkSecrets(agent, plan, deps.env);
  if (flags.agentImage !== undefined) {
    if (words.length > 0)
      throw new Failure('--agent-image runs a container, words behind -- a process: say one of them');
    const whyNot = await whyNoCompose(deps);
    if (whyNot === undefined) return composeHere(agent, { ...flags, publicPort: inboundPort }, plan, deps);
    deps.stderr.write(`outrider: ${whyNot}, so the agent runs as a process\n`);
  }
  const noSidecar = whyNoSidecar(agent, deps.env);
  if (noSidecar !== undefined) deps.stderr.write(`${noSidecar}\n`);
  const command = commandOf(agent, words, deps);
  const lines = namedLines(deps);
  const code = await (plan === undefined
    ? runAlone({ agent, command, port: inboundPort, lines }, deps)
    : runBeside({ agent, command, plan, flags, lines }, deps));
  await within(lines.ended, LAST_WORDS_MS, undefined);
  return code;
}

interface Command {
  readonly words: readonly string[];
  readonly cwd: string;
}

/** What was typed starts where it was typed; an entrypoint, where its file lies. */
function commandOf({ file, spec }: AgentSource, words: readonly string[], { cwd, env }: DeployDeps): Command {
  if (words.length > 0) return { words, cwd };
  const folder = file === '<stdin>' ? cwd : dirname(resolve(cwd, file));
  const start = startCommand(spec, { folder, env });
  if ('command' in start) return { words: start.command, cwd: folder };
  throw new Failure([
    `${file}: ${start.fault}`,
    `outrider: say it behind --, such as: outrider deploy --target local ${file} -- python agent.py`,
  ]);
}

interface Run {
  readonly agent: AgentSource;
  readonly command: Command;
  readonly lines: NamedLines;
}

async function runAlone({ agent, command, port, lines }: Run & { port: number }, deps: DeployDeps): Promise<number> {
  const { name, version } = agent.spec;
  const url = `http://127.0.0.1:${port}`;
  if (await tcpProbe(url, { timeoutMs: 300 })()) {
    throw new Failure(`port ${port} (the agent's) is already taken; --public-port moves it`);
  }
  const settings = agentSettings(agent.spec, undefined, deps.env);
  deps.stdout.write(aloneText(url));
  return serveAlone({
    configPath: undefined,
    command: command.words,
    env: { ...deps.env, OUTRIDER_AGENT_URL: url, AGENT_NAME: name, AGENT_VERSION: version },
    agent: { cwd: command.cwd, env: { HOST: '127.0.0.1', ...settings }, output: lines.agent },
    logTo: lines.log,
  });
}

async function runBeside(run: Run & { plan: Plan; flags: RenderFlags }, deps: DeployDeps): Promise<number> {
  const { agent, command, plan, flags, lines } = run;
  const token = madeUpToken(deps.env);
  for (const { name, image, port } of plan.mcpContainers) {
    deps.stderr.write(
      `outrider: the MCP server ${name} is an image; start it yourself: docker run --rm -p 127.0.0.1:${port}:${port} ${image}\n`,
    );
  }
  const env = sidecarEnvironment({ plan, name: agent.spec.name, env: deps.env, token, said: saidBy(flags, plan) });
  checkApart(plan, env);
  try {
    return await serve({
      configPath: undefined,
      command: command.words,
      env,
      agent: { cwd: command.cwd, env: agentSettings(agent.spec, plan, deps.env), output: lines.agent },
      logTo: lines.log,
      onStarted: ({ listeners }, config) => {
        const inbound = `http://127.0.0.1:${listeners.inbound.port}`;
        const helpers = `http://127.0.0.1:${listeners.helpers.port}`;
        deps.stdout.write(welcome({ inbound, helpers, token, dataDir: config.dataDirs[0] }));
      },
    });
  } catch (error) {
    throw error instanceof OutriderError && error.code === 'conflict' ? portTaken(error) : error;
  }
}

/** Throws `Failure` where callers and the agent have one port, unless the environment says another for one of them. */
function checkApart({ inboundPort, agentPort }: Plan, env: Environment): void {
  if (inboundPort !== agentPort) return;
  if (env['OUTRIDER_INBOUND_ADDR'] !== `127.0.0.1:${inboundPort}`) return;
  if (env['OUTRIDER_AGENT_URL'] !== `http://127.0.0.1:${agentPort}`) return;
  throw new Failure([
    `outrider: port ${agentPort} is both the one for callers and the agent's`,
    '--public-port moves the one for callers, --agent-port that of the agent',
  ]);
}

/** What the command line, or the agent's file of its port, says: the environment does not win over it. */
function saidBy(flags: RenderFlags, { agentPortChosen }: Plan): VariableName[] {
  const said = [
    ['OUTRIDER_INBOUND_ADDR', flags.publicPort ?? flags.inboundPort],
    ['OUTRIDER_AGENT_URL', agentPortChosen || undefined],
    ['OTEL_EXPORTER_OTLP_ENDPOINT', flags.otelEndpoint],
    ['OUTRIDER_LEDGER_URL', flags.ledgerUrl],
    ['OUTRIDER_DRAIN_TIMEOUT', flags.drainTimeout],
  ] as const;
  return said.flatMap(([name, value]) => (value === undefined ? [] : [name]));
}

function portTaken(error: OutriderError): Failure {
  return new Failure([
    `outrider: ${error.message}`,
    '--public-port moves the port for callers, --agent-port that of the agent;',
    'OUTRIDER_LOCAL_ADDR, OUTRIDER_MCP_ADDR and OUTRIDER_COST_ADDR move those of the helpers',
  ]);
}
