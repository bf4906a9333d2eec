import type { Reply } from '../call.ts';
import { pathOf } from '../protocols/attributes.ts';
import type { Side } from './guard-side.ts';
import type { Message, Passed } from './guard-whole.ts';

/** Runs the rules over what a call of the remote-agent contract says in messages of gRPC, gRPC-Web or Connect. */
export interface ContractGuard {
  /** Throws when a request without a body has a message in its target. */
  target(side: Side): void;
  /** `standard`: how the body of any other request is inspected. */
  request(side: Side, message: Message, standard: () => Promise<Passed | undefined>): Promise<Passed | undefined>;
  /** `standard`: how any other reply is inspected. */
  reply(side: Side, reply: Reply, standard: (reply: Reply) => Promise<Reply>): Promise<Reply>;
}

/** Its name, and not as a part of another. */
const SERVICE = /(?<![a-z0-9_.])outrider\.agent\.v1\.agentservice(?![a-z0-9_.])([^]*)/;
const SHORTEST = 'outrider.agent.v1.agentservice'.length;

/**
 * Lower-case name of the method that a request target calls of the contract's service; undefined when it calls none. Who receives the
 * call compares paths exactly. Whatever some other receiver could take for such a path counts here: below a prefix, in another case,
 * with percent-encoding or dots.
 */
export function contractMethod(target: string): string | undefined {
  if (target.length <= SHORTEST) return undefined;
  const path = decoded(pathOf(target)).toLowerCase();
  const rest = SERVICE.exec(path)?.[1];
  // What is no name of a method is one that is not known.
  return rest === undefined ? undefined : (/^[/\\]+([a-z0-9_]+)$/.exec(rest)?.[1] ?? '');
}

/** Without percent-encoding, also when it was applied more than once. */
function decoded(path: string): string {
  let text = path;
  for (let times = 0; times < MOST_ENCODINGS && text.includes('%'); times++) {
    text = text.replace(/%([0-7][0-9a-f])/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  }
  return text;
}

const MOST_ENCODINGS = 3;
