import type { Call } from '../call.ts';
import type { OutriderError } from '../errors.ts';
import { withoutFields } from '../fields.ts';
import { Tally } from '../guardrails/tally.ts';
import { UNCHANGED } from '../stack.ts';
import { type BodyOptions, inspectBody } from './guard-body.ts';
import { trailersForStream } from './guard-changed.ts';
import type { ContractGuard } from './guard-contract.ts';
import { inspectFields, inspectTrailers } from './guard-headers.ts';
import type { RpcId } from './guard-rpc.ts';
import type { Side } from './guard-side.ts';
import { isSigned } from './guard-signed.ts';
import { inspectTarget } from './guard-target.ts';
import type { Message, Passed } from './guard-whole.ts';

export interface RequestPatch {
  readonly patch: Partial<Call>;
  /** Why its body was broken off by the rules, if it was. */
  readonly failure: () => OutriderError | undefined;
}

/** Runs the rules over a request. Throws `blocked` and what an unreadable body is refused with. */
export async function inspectRequest(
  side: Side,
  rpc: RpcId | undefined,
  contract: ContractGuard | undefined,
): Promise<RequestPatch> {
  const { call } = side;
  contract?.target(side);
  const head = inspectHead(side);
  if (call.body === null || call.upgrade === true) {
    side.findings.record();
    return head === undefined ? AS_IT_CAME : { patch: head, failure: none };
  }
  let failure: OutriderError | undefined;
  const sent: Message = { headers: head?.headers ?? call.headers, body: call.body };
  const options: BodyOptions = {
    last(error) {
      failure = error;
      return undefined;
    },
    ...(rpc !== undefined && { onRead: (utf8) => rpc.keep(utf8), amend: rpc.amend }),
  };
  const standard = (): Promise<Passed | undefined> => inspectBody(side, sent, options);
  const passed = await (contract === undefined ? standard() : contract.request(side, sent, standard));
  side.findings.record();
  if (head === undefined && passed === undefined) return AS_IT_CAME;
  const { hasChanged, ...message } = passed ?? {};
  const patch: Partial<Call> = { ...head, ...message };
  // Trailers of a changed body would speak of another one.
  if (passed?.headers !== undefined && passed.body instanceof Uint8Array) {
    return { patch: { ...patch, headers: withoutFields(passed.headers, (name) => name === 'trailer') }, failure: none };
  }
  const trailers = head?.trailers ?? call.trailers;
  if (hasChanged === undefined || trailers === undefined) return { patch, failure: () => failure };
  return { patch: { ...patch, trailers: trailersForStream(trailers, hasChanged) }, failure: () => failure };
}

const none = (): undefined => undefined;
const AS_IT_CAME: RequestPatch = { patch: UNCHANGED, failure: none };

/** Target and headers, where they are others now. Of JSON-RPC, the body alone goes on. */
function inspectHead(side: Side): Partial<Call> | undefined {
  const { call, engine, state } = side;
  const { headers: names } = state.settings;
  const tally = new Tally();
  const target = side.shared.options.voice.isJsonRpc ? call.target : inspectTarget(engine, call.target, tally);
  const { fields, signed } =
    names.length === 0 || tally.blockedBy !== undefined
      ? { fields: call.headers, signed: undefined }
      : inspectFields(engine, call.headers, names, tally);
  const trailers =
    names.length > 0 && call.trailers !== undefined ? { trailers: inspectTrailers(side, call.trailers) } : undefined;
  if (tally.matches === 0) return trailers;
  const isSealed = signed !== undefined || (target !== call.target && isSigned(call.headers, 'target', call.target));
  if (isSealed && tally.blockedBy === undefined) throw side.refuse(tally.hits, 'signed');
  side.tallied(tally);
  return {
    ...(target !== call.target && { target }),
    ...(fields !== call.headers && { headers: fields }),
    ...trailers,
  };
}
