import { AgentError } from './agent-error.ts';

/** The contract that this code speaks: `proto/outrider/agent/v1/agent.proto`. */
export const CONTRACT_MAJOR = 1;
export const CONTRACT_MINOR = 0;

/** What both sides say in each request and reply, and the name of the field (HTTP header, gRPC metadata) that says it. */
export const CONTRACT_FIELD = 'outrider-contract';
export const CONTRACT_VERSION = `${CONTRACT_MAJOR}.${CONTRACT_MINOR}`;

export interface PeerVersion {
  readonly major: number;
  readonly minor: number;
}

const VERSION = /^(0|[1-9]\d{0,5})\.(0|[1-9]\d{0,5})$/;

/** The version that a peer says, or undefined when it says none that can be read. */
export function peerVersion(text: string | undefined): PeerVersion | undefined {
  const match = text === undefined ? null : VERSION.exec(text);
  return match === null ? undefined : { major: Number(match[1]), minor: Number(match[2]) };
}

/**
 * The version that a peer says; undefined for one that says nothing, which speaks what there was first. Throws `bad_request` when it
 * cannot be read, or has another major version; any minor version will do.
 */
export function checkPeer(text: string | undefined): PeerVersion | undefined {
  if (text === undefined) return undefined;
  const version = peerVersion(text);
  if (version === undefined) {
    throw new AgentError('bad_request', `${CONTRACT_FIELD}: expected a version such as ${CONTRACT_VERSION}`);
  }
  if (version.major !== CONTRACT_MAJOR) {
    const theirs = `${version.major}.${version.minor}`;
    throw new AgentError(
      'bad_request',
      `the other side speaks version ${theirs} of the contract, this one ${CONTRACT_VERSION}`,
    );
  }
  return version;
}
