import type { Service } from '../call.ts';
import { OutriderError } from '../errors.ts';
import { jsonReply } from '../problem.ts';

export interface Identity {
  agent: string;
  version: string | undefined;
}

/** `GET /health`: the process lives. Says who it is and nothing that would help an attacker. */
export function health({ agent, version }: Identity): Service {
  return async () => jsonReply(200, { status: 'ok', agent, version: version ?? null });
}

/** What the agent says of itself, each told within two seconds. Nothing of its replies is handed on. */
export interface AgentProbes {
  /** Whether it can be sent requests. */
  isReady: () => Promise<boolean>;
  /** Whether it works; an agent that does not is to be started again. */
  isWell: () => Promise<boolean>;
}

/** `GET /health/agent`: the agent lives. For platforms whose probes cannot reach its own port. */
export function agentHealth({ isWell }: AgentProbes): Service {
  return async () => {
    if (!(await isWell()))
      throw new OutriderError('not_ready', 'the agent does not answer as it should', { retryAfter: 1 });
    return jsonReply(200, { status: 'ok' });
  };
}

export interface ReadyOptions {
  isDraining: () => boolean;
  agent: AgentProbes;
}

/** `GET /ready`: 200 once the agent is ready and until draining begins. */
export function ready({ isDraining, agent }: ReadyOptions): Service {
  return async () => {
    if (isDraining()) throw new OutriderError('draining', 'shutting down');
    if (!(await agent.isReady())) throw new OutriderError('not_ready', 'the agent is not ready yet', { retryAfter: 1 });
    // It may have begun while the agent was asked.
    if (isDraining()) throw new OutriderError('draining', 'shutting down');
    return jsonReply(200, { status: 'ready' });
  };
}
