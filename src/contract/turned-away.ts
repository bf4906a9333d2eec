import { type AgentError, copyOf } from './agent-error.ts';

/** Codes with which a host turns a call away before anything has run, so that it can be made again. */
const AT_THE_DOOR: ReadonlySet<string> = new Set(['rate_limited', 'overloaded', 'draining', 'not_ready']);

/** Member of an error's `details` that says that the agent had begun: it may throw these codes as well. */
const RAN = 'ran';

/** Whether a host says with this error that nothing has run. Only of errors of a host: others mean something else by these codes. */
export function wasTurnedAway({ code, details }: AgentError): boolean {
  return AT_THE_DOOR.has(code) && details?.[RAN] !== true;
}

/** The same error of a run that had begun, which is not taken for one of the door. */
export function afterStart(error: AgentError): AgentError {
  return wasTurnedAway(error) ? copyOf(error, { ...error.details, [RAN]: true }) : error;
}
