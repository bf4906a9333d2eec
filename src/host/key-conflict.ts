import { AgentError } from '../contract/agent-error.ts';
import type { KeyConflict } from './store/thread.ts';

/** Why a key that is taken has no answer for this request. */
export function keyConflict(conflict: KeyConflict): AgentError {
  return new AgentError(
    'conflict',
    conflict === 'other'
      ? 'this idempotency key was used for another request'
      : 'this idempotency key was used for the same request, as a job or as a call, and this is the other of the two',
  );
}
