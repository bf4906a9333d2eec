import { executeReplyCodec, executeRequestCodec, registerAgentRequestCodec } from './codec.ts';
import { type Fault, faulty } from './faults.ts';
import type { ExecuteReply, ExecuteRequest, RegisterAgentRequest } from './messages.ts';
import { AGENT_ID, type MemberRules, rulesOf } from './rules.ts';

/** Types, and what the contract says of values. Throws `bad_request` with `details.faults`. */
export function checkExecuteRequest(value: unknown): ExecuteRequest {
  const request = executeRequestCodec.check(value);
  const faults = ruleFaults('ExecuteRequest', request);
  // Binary has no other way to leave a text out.
  if (!request.input && !request.parts?.length) {
    faults.unshift({ path: 'input', message: 'is missing, and there are no parts' });
  }
  if (faults.length > 0) throw faulty('bad_request', 'the request does not fit the contract', faults);
  // JSON may leave it out beside parts, whatever the type says.
  return request.input === undefined ? { ...(request as object), input: '' } : request;
}

/** Throws `bad_request` for wrong types, and `unprocessable` for values that are missing or cannot be accepted. */
export function checkRegisterAgentRequest(value: unknown): RegisterAgentRequest {
  // Binary has no way to leave a text out; what is missing in JSON is no other fault than there.
  const absent = { id: '', url: '' };
  const request = registerAgentRequestCodec.check(
    typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...absent, ...value } : value,
  );
  const faults = ruleFaults('RegisterAgentRequest', request);
  for (const name of ['url', 'id'] as const) {
    if (!request[name]) faults.unshift({ path: name, message: 'is missing' });
  }
  if (faults.length > 0) throw faulty('unprocessable', 'the agent cannot be registered', faults);
  return request;
}

/** As the contract has it: 1 to 128 letters, digits, `.`, `_`, `-`; begins with a letter or digit. */
export function isAgentId(text: string): boolean {
  return AGENT_ID.test(text);
}

/**
 * As much of a reply as an agent gave, made whole: 0 for numbers, `completed`, and `elapsedMs` when it did not say how long it took.
 * Throws `unreadable` for what has a wrong type.
 */
export function completeReply(partial: Partial<ExecuteReply> & { output: string }, elapsedMs: number): ExecuteReply {
  const elapsed = Math.min(Math.max(0, Math.round(elapsedMs)), 0xffff_ffff);
  return executeReplyCodec.checkReply({ ...partial, execution_time_ms: partial.execution_time_ms ?? elapsed });
}

/** A member that is an empty text is none: binary has no other way to leave it out. */
function ruleFaults(message: string, value: object): Fault[] {
  const faults: Fault[] = [];
  const { members = {} } = rulesOf(message);
  for (const name in members) {
    // It has nothing but rules, by these names.
    const rules = members[name] as MemberRules;
    const member: unknown = (value as Record<string, unknown>)[name];
    const fault = member === undefined || member === '' ? undefined : brokenRule(member, rules);
    if (fault !== undefined) faults.push({ path: name, message: fault });
  }
  return faults;
}

function brokenRule(value: unknown, { pattern, moreThan, schemes }: MemberRules): string | undefined {
  if (typeof value === 'number') {
    return moreThan === undefined || value > moreThan ? undefined : `must be more than ${moreThan}`;
  }
  if (typeof value !== 'string') return undefined;
  if (pattern !== undefined && !pattern.test(value)) return `must match ${pattern.source}`;
  if (schemes !== undefined && !schemes.includes(URL.parse(value)?.protocol ?? '')) {
    return `expected a URL that begins with ${schemes.map((scheme) => `${scheme}//`).join(', ')}`;
  }
  return undefined;
}
