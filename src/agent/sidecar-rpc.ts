import { randomUUID } from 'node:crypto';
import type { Reply } from '../call.ts';
import { AgentError } from '../contract/agent-error.ts';
import { getField } from '../fields.ts';
import { isJsonRpcResponse, isObject } from '../protocols/jsonrpc.ts';
import type { CallOptions } from './agent.ts';
import { giveUp, replyBytes, replyChunks } from './exchange.ts';
import { leavable } from './leavable.ts';
import { replyError } from './reply-error.ts';
import type { Run } from './run.ts';
import { type Helper, helperError, helperRun, postToHelper } from './sidecar-fetch.ts';
import { rpcError } from './sidecar-rpc-error.ts';
import { sseReader } from './sse-reader.ts';

/** The sidecar bounds what is in one piece by its own, smaller limit. */
const MAX_BYTES = 64 * 2 ** 20;

export interface RpcRequest {
  /** Absent: the sidecar's default. */
  readonly method?: string | undefined;
  readonly params?: object | undefined;
  readonly headers?: Readonly<Record<string, string>>;
}

/** One JSON-RPC request; of an answer that comes as a stream, its last result. */
export async function rpcResult(helper: Helper, request: RpcRequest, options: CallOptions): Promise<unknown> {
  let result: unknown;
  for await (const each of rpcResults(helper, request, options)) result = each;
  return result;
}

/** One JSON-RPC request, and each result that comes of it: one, or those of a stream. Throws `AgentError` for an error. */
export function rpcResults(helper: Helper, request: RpcRequest, options: CallOptions): AsyncIterable<unknown> {
  let run: Run | undefined;
  async function* results(): AsyncGenerator<unknown, void, undefined> {
    try {
      run = helperRun(options);
      yield* answers(helper, request, { run, options });
    } catch (error) {
      if (run?.left !== true) throw run === undefined && error instanceof AgentError ? error : helperError(run, error);
    } finally {
      run?.end();
    }
  }
  return leavable(results(), () => run?.leave());
}

async function* answers(
  helper: Helper,
  { method, params, headers }: RpcRequest,
  { run, options }: { run: Run; options: CallOptions },
): AsyncGenerator<unknown, void, undefined> {
  const body = JSON.stringify({ jsonrpc: '2.0', id: randomUUID(), method, params });
  const reply = await run.until(
    postToHelper(helper, {
      body,
      run,
      options,
      headers: { accept: 'application/json, text/event-stream', ...headers },
    }),
  );
  const type = getField(reply.headers, 'content-type') ?? '';
  if (reply.status === 200 && /^text\/event-stream\b/i.test(type)) yield* streamed(reply, run);
  else yield await run.until(whole(reply, type));
}

async function* streamed(reply: Reply, run: Run): AsyncGenerator<unknown, void, undefined> {
  const chunks = replyChunks(reply.body);
  let isOver = false;
  let events = 0;
  try {
    const read = sseReader(MAX_BYTES);
    for (;;) {
      const { done, value } = await run.until(chunks.next());
      if (done === true) {
        isOver = true;
        if (events === 0) throw new AgentError('unreachable', 'the stream ended without an answer');
        return;
      }
      for (const { data } of read(value)) {
        events++;
        yield resultOf(parsed(data), reply);
      }
    }
  } finally {
    if (!isOver) giveUp(chunks);
  }
}

async function whole(reply: Reply, type: string): Promise<unknown> {
  if (!/^application\/json\b/i.test(type)) {
    const error = await replyError(reply);
    if (reply.status >= 400) throw error;
    throw notASidecar();
  }
  return resultOf(parsed(Buffer.from(await replyBytes(reply.body, MAX_BYTES)).toString()), reply);
}

/** Small peers leave `jsonrpc` out, which the sidecar lets pass. */
function resultOf(answer: unknown, reply: Reply): unknown {
  if (isJsonRpcResponse(answer) || (isObject(answer) && reply.status === 200)) {
    if (isObject(answer['error'])) throw rpcError(answer['error'], reply);
    if (Object.hasOwn(answer, 'result')) return answer['result'];
  }
  throw notASidecar();
}

function notASidecar(): AgentError {
  return new AgentError('unreachable', 'what answers is no sidecar: that was no JSON-RPC');
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
