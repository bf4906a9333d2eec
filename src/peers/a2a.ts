import { cancelBody, onBodyEnd, readBody } from '../body.ts';
import type { Call, Reply, Service } from '../call.ts';
import { OutriderError, toOutriderError } from '../errors.ts';
import { getField } from '../fields.ts';
import { DEFAULT_METHOD, peerResponse, requestFields } from '../protocols/a2a.ts';
import { a2aSpan } from '../protocols/attributes.ts';
import type { JsonRpcRequest } from '../protocols/jsonrpc.ts';
import type { CallSpan, Traced } from '../span.ts';
import { jsonRpcEndpoint } from './json-rpc-endpoint.ts';
import { failSpan } from './span.ts';
import { Tally, type TallySnapshot } from './tally.ts';

export interface A2aPeerOptions {
  /** Reaches this peer's origin and no other. Must not follow redirects. */
  readonly client: Service;
  /** Path of its JSON-RPC endpoint, as the client takes it. */
  readonly path: string;
  /** Bearer token; sent to this peer alone. */
  readonly token?: string | undefined;
}

export interface A2aOptions {
  readonly peers: Readonly<Record<string, A2aPeerOptions>>;
  /** From the request to the peer's response headers. What comes after is a stream, with the client's idle timeout. */
  readonly timeoutMs: number;
  /** Bytes of a request, and of a response that is not a stream. */
  readonly bodyLimit: number;
}

/** `POST /a2a/{peer}`: JSON-RPC to a configured peer. Throws; `jsonRpcErrorReply` makes the reply of what it throws. */
export function a2aPeers(options: A2aOptions): {
  service: Service<Call & Traced>;
  status(): Record<string, TallySnapshot>;
} {
  const peers = new Map(
    Object.entries(options.peers).map(([name, peer]) => [name, { ...peer, tally: new Tally() }] as const),
  );
  return {
    service: jsonRpcEndpoint({
      prefix: '/a2a/',
      kind: 'A2A peer',
      peers,
      bodyLimit: options.bodyLimit,
      defaultMethod: DEFAULT_METHOD,
      describe: (peer, request) => a2aSpan(request, peer),
      answer: (peer, request, call) => askPeer(peer, request, call, options),
    }),
    status: () => Object.fromEntries([...peers].map(([name, { tally }]) => [name, tally.snapshot()])),
  };
}

type Peer = A2aPeerOptions & { readonly tally: Tally };

async function askPeer(peer: Peer, request: JsonRpcRequest, call: Call & Traced, options: A2aOptions): Promise<Reply> {
  try {
    const response = await send(peer, request, call, options.timeoutMs);
    const reply = isEventStream(response)
      ? streamReply(response, peer.tally)
      : await wholeReply(response, options.bodyLimit, call.span);
    peer.tally.ok();
    return reply;
  } catch (thrown) {
    const error = call.signal.aborted ? new OutriderError('cancelled', 'the caller has left') : toOutriderError(thrown);
    peer.tally.failed(error.code);
    throw error;
  }
}

/** The peer's response, of which only the head must come in time. */
async function send(peer: Peer, request: JsonRpcRequest, call: Call, timeoutMs: number): Promise<Reply> {
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), timeoutMs);
  try {
    return await peer.client({
      method: 'POST',
      target: peer.path,
      headers: requestFields(call.headers, peer.token),
      body: Buffer.from(request.text),
      signal: AbortSignal.any([call.signal, late.signal]),
    });
  } catch (error) {
    if (late.signal.aborted)
      throw new OutriderError('timeout', 'the A2A peer did not answer in time', { cause: error });
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

function isEventStream({ status, headers }: Reply): boolean {
  return status === 200 && mediaType(getField(headers, 'content-type')) === 'text/event-stream';
}

function streamReply(response: Reply, tally: Tally): Reply {
  return {
    status: 200,
    headers: ['Content-Type', 'text/event-stream', 'Cache-Control', 'no-store'],
    body: onBodyEnd(response.body, (end, error) => {
      if (end === 'failed') tally.broken(toOutriderError(error).code);
    }),
  };
}

async function wholeReply(response: Reply, limit: number, span: CallSpan | undefined): Promise<Reply> {
  const type = mediaType(getField(response.headers, 'content-type'));
  // Small peers send no type at all.
  if (type !== '' && type !== 'application/json' && !type.endsWith('+json') && type !== 'application/json-rpc') {
    await cancelBody(response.body);
    throw notJsonRpc(response.status);
  }
  const bytes = await readResponse(response, limit);
  const answer = peerResponse(response.status, Buffer.from(bytes).toString());
  if (answer === undefined) throw notJsonRpc(response.status);
  failSpan(span, answer);
  return { status: response.status, headers: ['Content-Type', 'application/json'], body: bytes };
}

async function readResponse(response: Reply, limit: number): Promise<Uint8Array> {
  try {
    return await readBody(response.body, limit);
  } catch (error) {
    if (error instanceof OutriderError && error.code === 'body_too_large') {
      throw new OutriderError('body_too_large', `the A2A peer's response is larger than ${limit} bytes`);
    }
    throw error;
  }
}

/** Covers redirects too: they are not followed, because the token would go along and the peer chooses the target. */
function notJsonRpc(status: number): OutriderError {
  return new OutriderError('unreachable', 'the A2A peer did not answer with JSON-RPC', { details: { status } });
}

function mediaType(contentType: string | undefined): string {
  return (contentType ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
}
