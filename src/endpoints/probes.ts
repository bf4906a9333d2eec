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

export interface ReadyOptions {
  isDraining: () => boolean;
  agentAccepts: () => Promise<boolean>;
}

/** `GET /ready`: 200 once the agent accepts connections and until draining begins. */
export function ready({ isDraining, agentAccepts }: ReadyOptions): Service {
  return async () => {
    if (isDraining()) throw new OutriderError('draining', 'shutting down');
    if (!(await agentAccepts()))
      throw new OutriderError('not_ready', 'the agent does not accept connections yet', { retryAfter: 1 });
    return jsonReply(200, { status: 'ready' });
  };
}
