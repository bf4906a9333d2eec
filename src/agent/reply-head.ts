import { AgentError } from '../contract/agent-error.ts';
import { CONTRACT_FIELD, CONTRACT_MAJOR, CONTRACT_VERSION, peerVersion } from '../contract/version.ts';
import { type Fields, getField } from '../fields.ts';

/** Throws `unreadable` for a reply in another major version of the contract. One that names none speaks what there was first. */
export function checkReplyVersion(headers: Fields): void {
  const text = getField(headers, CONTRACT_FIELD);
  if (text === undefined || text === CONTRACT_VERSION || peerVersion(text)?.major === CONTRACT_MAJOR) return;
  const theirs = peerVersion(text) === undefined ? 'an unknown version' : `version ${text}`;
  throw new AgentError('unreadable', `the agent speaks ${theirs} of the contract, and this side ${CONTRACT_VERSION}`);
}

/** Throws `unreadable` unless the reply is of the media type. */
export function checkReplyType(headers: Fields, type: string): void {
  const [given = ''] = (getField(headers, 'content-type') ?? '').split(';');
  if (given.trim().toLowerCase() === type) return;
  throw new AgentError('unreadable', `the agent answered with something else than ${type}`);
}

/** `Retry-After` in seconds; as a date it would depend on both clocks. */
export function retryAfterOf(headers: Fields): number | undefined {
  const text = getField(headers, 'retry-after');
  return text !== undefined && /^\d{1,9}$/.test(text) ? Number(text) : undefined;
}
