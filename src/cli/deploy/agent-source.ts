import { isSwitchedOff } from '../../config/environment.ts';
import type { AgentSpec } from '../../deploy/agent-spec.ts';
import type { DeployDeps } from './deps.ts';
import { readText } from './read-text.ts';

export interface AgentSource {
  /** For messages. */
  readonly file: string;
  readonly spec: AgentSpec;
}

/** Reads an agent's file; what it warns of goes to standard error. Throws `ConfigError` or `Failure`. */
export async function readAgent(path: string, deps: DeployDeps): Promise<AgentSource> {
  const { name, text } = await readText(path, deps);
  const { readAgentFile } = await import('../../config/agent-file.ts');
  const { spec, warnings } = await readAgentFile({ file: name, text, env: deps.env });
  for (const warning of warnings) deps.stderr.write(`warning: ${warning}\n`);
  return { file: name, spec };
}

/** Why there is to be no sidecar; undefined when there is to be one. Without an agent's file only the environment can say so. */
export function whyNoSidecar(agent: AgentSource | undefined, env: DeployDeps['env']): string | undefined {
  if (agent === undefined) {
    return isSwitchedOff(env) ? 'no sidecar: OUTRIDER (or AGENTBREEDER_SIDECAR) switches it off' : undefined;
  }
  const { file, spec } = agent;
  if (spec.switchedOff !== undefined) {
    const { path, line, why } = spec.switchedOff;
    return `${line > 0 ? `${file}:${line}: ${path}: ` : ''}no sidecar: ${why}`;
  }
  if (spec.causes.length > 0) return undefined;
  return `${file}: no sidecar: it declares no guardrails, no MCP server and no A2A peer`;
}
