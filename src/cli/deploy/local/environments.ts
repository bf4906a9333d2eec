import { randomBytes } from 'node:crypto';
import { isSwitchedOn, readVariable } from '../../../config/environment.ts';
import { VARIABLES, type VariableName } from '../../../config/variables.ts';
import type { AgentSpec } from '../../../deploy/agent-spec.ts';
import { type Plan, sidecarVariables } from '../../../deploy/plan.ts';
import type { Environment } from '../../../environment.ts';
import type { AgentSource } from '../agent-source.ts';
import { Failure } from '../failure.ts';

const TOKEN = 'AGENT_AUTH_TOKEN';

/** Throws `Failure` that names every secret that the environment does not have. */
export function checkSecrets({ file, spec }: AgentSource, plan: Plan | undefined, env: Environment): void {
  const sidecars = plan?.secrets.filter((name) => name !== TOKEN) ?? [];
  const agents = spec.deploy.secrets.filter((name) => plan === undefined || name !== TOKEN);
  const missing = [...new Set([...agents, ...sidecars])].filter((name) => !isSet(env, name));
  if (missing.length === 0) return;
  const [set, them] = missing.length === 1 ? ['a secret that is', 'it'] : ['secrets that are', 'them'];
  throw new Failure([
    `${file}: it needs ${set} not in the environment: ${missing.join(', ')}`,
    `outrider: set ${them} for this command, such as: ${missing.map((name) => `${name}=…`).join(' ')} outrider deploy …`,
  ]);
}

/** Made up where callers need a token and there is none; undefined where there is one, or none is needed. */
export function madeUpToken(env: Environment): string | undefined {
  const has =
    env[TOKEN] || readVariable(env, 'OUTRIDER_AUTH_TOKENS_FILE') || isSwitchedOn(env, 'OUTRIDER_ALLOW_NO_AUTH');
  return has ? undefined : randomBytes(16).toString('hex');
}

/** What the agent finds besides what it inherits: what its file gives it, without what is the sidecar's. */
export function agentSettings(spec: AgentSpec, plan: Plan | undefined, env: Environment): Record<string, string> {
  const secrets = spec.deploy.secrets.flatMap((name) => (env[name] ? [[name, env[name]]] : []));
  const all: Record<string, string> = { ...spec.deploy.env, ...Object.fromEntries(secrets) };
  const { [TOKEN]: _, ...rest } = all;
  return plan === undefined ? all : rest;
}

export interface SidecarOptions {
  readonly plan: Plan;
  readonly name: string;
  /** What whoever typed the command sees. */
  readonly env: Environment;
  readonly token: string | undefined;
  /** Of the command line: it wins over the environment. */
  readonly said: readonly VariableName[];
}

/**
 * The environment of the sidecar. What a file says of the agent wins over the environment; where things are (ports, folders,
 * collector, ledger) the environment wins, as on a machine that has its own.
 */
export function sidecarEnvironment({ plan, name, env, token, said }: SidecarOptions): Environment {
  const given: Record<string, string> = {};
  for (const variable of sidecarVariables(plan, { fallbackName: name })) {
    if ('value' in variable) given[variable.name] = variable.value;
  }
  given['OUTRIDER_INBOUND_ADDR'] = `127.0.0.1:${plan.inboundPort}`;
  given['OUTRIDER_DATA_DIR'] = '.outrider';
  const fixed = new Set<string>([...OF_THE_FILE, ...said]);
  const kept = Object.entries(given).filter(([name]) => fixed.has(name) || !isSet(env, name));
  // It would be read instead of what the agent's file says.
  const { OUTRIDER_CONFIG: _, ...rest } = env;
  const base = plan.config === undefined ? env : rest;
  return { ...base, ...Object.fromEntries(kept), ...(token !== undefined && { [TOKEN]: token }) };
}

const OF_THE_FILE = ['AGENT_NAME', 'AGENT_VERSION', 'OUTRIDER_CONFIG_YAML'] as const;

/** Under either of its names. */
function isSet(env: Environment, name: string): boolean {
  const known = VARIABLES.find((variable) => variable.name === name);
  return known === undefined ? Boolean(env[name]) : readVariable(env, known.name) !== undefined;
}
