import { cancelBody } from '../body.ts';
import type { Call, Reply } from '../call.ts';
import { toOutriderError } from '../errors.ts';
import { lazy } from '../lazy.ts';
import type { Layer } from '../stack.ts';
import { Budget } from './body-budget.ts';
import { contractMethod } from './guard-contract.ts';
import { messageGuard } from './guard-messages.ts';
import { inspectReply } from './guard-reply.ts';
import { inspectRequest, type RequestPatch } from './guard-request.ts';
import { RpcId } from './guard-rpc.ts';
import { Side } from './guard-side.ts';
import type { GuardOptions, GuardShared } from './guard-state.ts';
import { Turns } from './guard-turns.ts';
import { guardUpgrade, isWebSocket } from './guard-websocket.ts';

/** How messages of the remote-agent contract are read: nothing that most agents are ever sent. */
const contracts = lazy(() => import('./guard-grpc.ts'));

/** Bytes of large bodies, as sent and decoded, that are held at the same time. */
const HELD_LIMIT = 64 * 2 ** 20;

/**
 * Runs the guardrails over a call and its reply: target, chosen headers, body. Event streams, NDJSON and text are inspected
 * while they stream; other bodies are read whole, up to `bodyLimit`, but for what is declared binary and does not begin like
 * text. What cannot be read is refused, unless the settings let it pass. Large bodies are inspected in short turns, and
 * share a bound on what is held.
 * Throws `blocked`, `body_too_large`, `unsupported_media_type`, `bad_request`, `unreadable` (of a reply), `overloaded` (too
 * much held already), `cancelled`; once the reply has begun, its stream ends with such an error.
 */
export function guard<C extends Call>(options: GuardOptions<C>): Layer<C> {
  const shared: GuardShared<C> = {
    options,
    budget: new Budget(options.heldLimit ?? HELD_LIMIT),
    turns: new Turns(),
  };
  return async (call, next) => {
    const state = options.rules();
    const asking = new Side(shared, call, state, 'request');
    const answering = new Side(shared, call, state, 'reply');
    const rpc = options.voice.isJsonRpc ? new RpcId() : undefined;
    const method = options.voice.isJsonRpc ? undefined : contractMethod(call.target);
    try {
      const contract =
        method === undefined ? undefined : (contracts.value ?? (await contracts.load())).contractGuard(method);
      const request = await inspectRequest(asking, rpc, contract);
      const reply = await send(request, next, asking, answering);
      return reply.status === 101 ? reply : await inspectReply(answering, reply, rpc, contract);
    } catch (thrown) {
      const error = rpc === undefined ? thrown : rpc.restoredError(thrown);
      throw options.voice.thrown(toOutriderError(error), () => rpc?.text ?? 'null');
    }
  };
}

/** Hands the request on; what has broken off its body counts for more than what the other side made of that. */
async function send<C extends Call>(
  { patch, failure }: RequestPatch,
  next: (patch: Partial<Call>) => Promise<Reply>,
  asking: Side<C>,
  answering: Side<C>,
): Promise<Reply> {
  try {
    if (asking.call.upgrade === true) return await switched(patch, next, asking, answering);
    return await next(patch);
  } catch (error) {
    throw failure() ?? error;
  }
}

/** A call that asks for another protocol. */
async function switched<C extends Call>(
  patch: Partial<Call>,
  next: (patch: Partial<Call>) => Promise<Reply>,
  asking: Side<C>,
  answering: Side<C>,
): Promise<Reply> {
  const call = { ...asking.call, ...patch };
  if (isWebSocket(call.headers)) {
    const messages = messageGuard({ request: asking, response: answering });
    return guardUpgrade(call, (more) => next({ ...patch, ...more }), messages);
  }
  const reply = await next(patch);
  if (reply.status !== 101) return reply;
  try {
    answering.unreadable('switched_protocol', true);
  } catch (error) {
    await cancelBody(reply.body);
    throw error;
  }
  return reply;
}
