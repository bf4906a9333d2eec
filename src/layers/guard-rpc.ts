import { randomUUID } from 'node:crypto';
import { type Body, isStream } from '../body.ts';
import { JsonRpcError } from '../protocols/jsonrpc.ts';
import { idPlace } from './guard-rpc-id.ts';

/**
 * The id of one JSON-RPC request. Replies carry the caller's own, whatever rules have found in it: when it would have been
 * changed, the other side gets one that is made up, and in what comes back that one becomes the caller's again.
 */
export class RpcId {
  #request: Uint8Array | undefined;
  #text: string | undefined;
  /** JSON text of the id that the other side knows instead. */
  #standIn: string | undefined;

  /** The request as the caller sent it. */
  keep(request: Uint8Array): void {
    this.#request = request;
  }

  /** JSON text of the id as the caller wrote it; `null` when there is none, or none that JSON-RPC knows. */
  get text(): string {
    if (this.#text === undefined && this.#request !== undefined) {
      this.#text = idIn(this.#request) ?? 'null';
      this.#request = undefined;
    }
    return this.#text ?? 'null';
  }

  /** The request as the rules have left it, with an id that nobody else has if they have changed it. */
  readonly amend = (before: Uint8Array, after: Uint8Array): Uint8Array => {
    const own = idIn(before);
    const text = Buffer.from(after).toString('latin1');
    const place = idPlace(text);
    if (own === undefined || place === undefined) return after;
    const left = Buffer.from(text.slice(...place), 'latin1').toString();
    if (left === own) return after;
    this.#text = own;
    this.#standIn = `"outrider-${randomUUID()}"`;
    return Buffer.from(text.slice(0, place[0]) + this.#standIn + text.slice(place[1]), 'latin1');
  };

  /** The caller's id again, in an error. */
  restoredError(error: unknown): unknown {
    if (!(error instanceof JsonRpcError) || this.#standIn === undefined || error.idText !== this.#standIn) return error;
    return new JsonRpcError(error, this.text, error.rpcCode);
  }

  /** The caller's id again, in a reply; undefined when it is there already. */
  restoredBody(body: Body): Body | undefined {
    if (this.#standIn === undefined || body === null) return undefined;
    const from = Buffer.from(this.#standIn);
    const to = Buffer.from(this.text);
    return isStream(body) ? replacedInStream(body, from, to) : replaced(body, from, to);
  }
}

function idIn(request: Uint8Array): string | undefined {
  const text = Buffer.from(request.buffer, request.byteOffset, request.length).toString('latin1');
  const place = idPlace(text);
  return place === undefined ? undefined : Buffer.from(text.slice(...place), 'latin1').toString();
}

function replaced(body: Uint8Array, from: Buffer, to: Buffer): Uint8Array {
  const text = Buffer.from(body).toString('latin1');
  return Buffer.from(
    text.replaceAll(from.toString('latin1'), () => to.toString('latin1')),
    'latin1',
  );
}

/** Holds back what may be the beginning of `from`, which has a quote at its beginning and its end only. */
function replacedInStream(body: AsyncIterable<Uint8Array>, from: Buffer, to: Buffer): AsyncIterable<Uint8Array> {
  const source = body[Symbol.asyncIterator]();
  let held: Uint8Array = new Uint8Array(0);
  const iterator: AsyncIterator<Uint8Array> = {
    async next() {
      for (;;) {
        const { done, value } = await source.next();
        if (done && held.length === 0) return { done: true, value: undefined };
        const bytes = Buffer.concat(done ? [held] : [held, value]);
        const out = replaced(bytes, from, to);
        const keep = done ? 0 : beginning(Buffer.from(out), from);
        held = out.subarray(out.length - keep);
        if (out.length > keep) return { done: false, value: out.subarray(0, out.length - keep) };
      }
    },
    async return() {
      await source.return?.();
      return { done: true, value: undefined };
    },
  };
  return { [Symbol.asyncIterator]: () => iterator };
}

/** How many bytes at the end may be the beginning of `whole`. */
function beginning(bytes: Buffer, whole: Buffer): number {
  for (let size = Math.min(bytes.length, whole.length - 1); size > 0; size--) {
    if (bytes.subarray(bytes.length - size).equals(whole.subarray(0, size))) return size;
  }
  return 0;
}
