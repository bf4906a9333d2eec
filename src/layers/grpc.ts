import { atDeadline } from '../at-deadline.ts';
import { isStream } from '../body.ts';
import type { Call, Reply } from '../call.ts';
import { toAgentError } from '../contract/agent-error.ts';
import { OutriderError } from '../errors.ts';
import { type Fields, getField } from '../fields.ts';
import { lazy } from '../lazy.ts';
import { grpcSpan, grpcStatusAttributes } from '../protocols/attributes.ts';
import { GRPC_FAULTS, grpcStatusName, isGrpc, parseGrpcTimeout } from '../protocols/grpc.ts';
import type { CallSpan, Traced } from '../span.ts';
import { type Layer, UNCHANGED } from '../stack.ts';
import type { Timed } from './grpc-time-left.ts';

/** Whether this is a call of gRPC, which gRPC is over HTTP/2 only. */
export function isGrpcCall(call: Call): boolean {
  return call.http2 === true && isGrpc(call.headers);
}

export interface GrpcOptions {
  /** Told once of every gRPC call that got through to here: how it ended. */
  onStatus?: (status: string) => void;
}

/** Errors of the contract take protobuf, which only gRPC's callers need. */
const errorFieldsOf = lazy(async () => {
  const { grpcErrorFields } = await import('../contract/grpc-error.ts');
  return (error: unknown): string[] => grpcErrorFields(toAgentError(error));
});

/** For the agent's own answer to its deadline to arrive before ours. */
const GRACE_MS = 200;

/**
 * What gRPC asks of whoever passes its calls on. When the time of `grpc-timeout` and a little more is over, the call ends with
 * DEADLINE_EXCEEDED. A reply that breaks off, or ends without a status, ends with trailers that say so, which clients
 * understand better than a reset. Other calls pass untouched. Stands inside `rescue`, whose replies need none of this.
 */
export function grpcCalls({ onStatus = () => undefined }: GrpcOptions = {}): Layer<Call & Traced, Timed> {
  return async (call, next) => {
    if (!isGrpcCall(call)) return next(UNCHANGED);
    const deadline = startDeadline(call);
    const over = (status: string | undefined): void => {
      deadline?.stop();
      onStatus(grpcStatusName(status));
      if (call.span !== undefined) setStatus(call.span, status, GRPC_FAULTS);
    };
    try {
      const errorFields = errorFieldsOf.value ?? (await errorFieldsOf.load());
      const reply = await next(
        deadline === undefined ? UNCHANGED : { signal: deadline.signal, grpcDeadline: deadline.at },
      );
      return await withStatus(reply, {
        over,
        errorFields,
        blame: (error) => (deadline?.hasPassed() ? tooLate() : error),
      });
    } catch (error) {
      deadline?.stop();
      throw deadline?.hasPassed() ? tooLate() : error;
    }
  };
}

/** Names the spans of a gRPC call after its method, and sets what is known of it. Stands inside what lets only known callers in. */
export function grpcNames(): Layer<Call & { readonly span: CallSpan }> {
  return (call, next) => {
    if (call.span.recording && isGrpcCall(call)) {
      const { name, attributes } = grpcSpan(call.target);
      if (name !== undefined) call.span.rename(name);
      call.span.set(attributes);
    }
    return next(UNCHANGED);
  };
}

/** The span of a gRPC call that goes out: its name, and how it ended. Stands inside `clientSpan`. */
export function grpcClientSpan(): Layer<Call & { readonly span: CallSpan }> {
  const named = grpcNames();
  return async (call, next) => {
    if (!call.span.recording || !isGrpcCall(call)) return next(UNCHANGED);
    const { span } = call;
    return observed(await named(call, next), (status) => setStatus(span, status));
  };
}

/** Says of a gRPC call that it was refused with this reply: in its span, and to whoever counts. For where errors become replies. */
export function grpcRefused(reply: Reply, { span }: Traced, onStatus: (status: string) => void): void {
  const status = getField(reply.headers, 'grpc-status');
  onStatus(grpcStatusName(status));
  if (span !== undefined) setStatus(span, status, GRPC_FAULTS);
}

/** `faults`: the statuses that mean failure; for whoever asks, all but OK do. */
function setStatus(span: CallSpan, status: string | undefined, faults?: ReadonlySet<string>): void {
  const name = grpcStatusName(status);
  span.set(grpcStatusAttributes(name));
  if (faults === undefined ? name !== 'OK' : faults.has(name)) span.fail(name);
}

interface Deadline {
  /** On the clock of `performance.now()`. */
  readonly at: number;
  readonly signal: AbortSignal;
  hasPassed(): boolean;
  stop(): void;
}

/** Undefined when the caller has set none. What is malformed is for the agent to refuse. */
function startDeadline(call: Call): Deadline | undefined {
  const text = getField(call.headers, 'grpc-timeout');
  const ms = text === undefined ? undefined : parseGrpcTimeout(text);
  if (ms === undefined) return undefined;
  const at = performance.now() + ms;
  const controller = new AbortController();
  const leave = (): void => controller.abort();
  let passed = false;
  const stopTimer = atDeadline(at + GRACE_MS, () => {
    passed = true;
    controller.abort();
  });
  if (call.signal.aborted) leave();
  else call.signal.addEventListener('abort', leave);
  return {
    at,
    signal: controller.signal,
    hasPassed: () => passed,
    stop() {
      stopTimer();
      call.signal.removeEventListener('abort', leave);
    },
  };
}

function tooLate(): OutriderError {
  return new OutriderError('timeout', 'the deadline has passed');
}

interface StatusOptions {
  /** Told once, before the reply's end is seen. */
  over: (status: string | undefined) => void;
  /** What the caller is told instead of the error that broke the reply off. */
  blame: (error: unknown) => unknown;
  errorFields: (error: unknown) => string[];
}

/** The reply with a status for certain. */
async function withStatus(reply: Reply, { over, blame, errorFields }: StatusOptions): Promise<Reply> {
  if (reply.status !== 200 || !isGrpc(reply.headers)) {
    // No gRPC: the caller's own library makes a status of it.
    over(undefined);
    return reply;
  }
  if (!isStream(reply.body)) return observed(reply, over);
  const source = reply.body[Symbol.asyncIterator]();
  const trailers = Promise.withResolvers<Fields>();
  let isOver = false;
  const end = (fields: Fields): void => {
    if (isOver) return;
    isOver = true;
    over(getField(fields, 'grpc-status'));
    trailers.resolve(fields);
  };
  const body: AsyncIterator<Uint8Array> = {
    async next() {
      if (isOver) return { done: true, value: undefined };
      try {
        const result = await source.next();
        if (!result.done) return result;
        const fields = (await reply.trailers) ?? [];
        const said = getField(fields, 'grpc-status') ?? getField(reply.headers, 'grpc-status');
        end(said === undefined ? [...fields, ...errorFields(unfinished())] : fields);
      } catch (error) {
        // A caller that has left is told nothing.
        const fault = blame(error);
        end(errorFields(fault));
        if (fault instanceof OutriderError && fault.code === 'cancelled') throw error;
      }
      return { done: true, value: undefined };
    },
    async return() {
      end(errorFields(new OutriderError('cancelled', 'the caller has left')));
      await source.return?.();
      return { done: true, value: undefined };
    },
  };
  return { ...reply, body: { [Symbol.asyncIterator]: () => body }, trailers: trailers.promise };
}

function unfinished(): OutriderError {
  return new OutriderError('unreachable', "the agent's answer ended without a status");
}

/** The same reply; `told` of its status before its end is seen, but not when it breaks off. */
async function observed(reply: Reply, told: (status: string | undefined) => void): Promise<Reply> {
  const inHeaders = getField(reply.headers, 'grpc-status');
  const { trailers } = reply;
  if (inHeaders !== undefined || trailers === undefined || !isStream(reply.body)) {
    // Trailers of what is at hand are settled.
    told(inHeaders ?? getField((await trailers) ?? [], 'grpc-status'));
    return reply;
  }
  const source = reply.body[Symbol.asyncIterator]();
  const body: AsyncIterator<Uint8Array> = {
    async next() {
      const result = await source.next();
      if (result.done) told(getField(await trailers, 'grpc-status'));
      return result;
    },
    return: async () => (await source.return?.()) ?? { done: true, value: undefined },
  };
  return { ...reply, body: { [Symbol.asyncIterator]: () => body } };
}
