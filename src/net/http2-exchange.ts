import { type ClientHttp2Stream, constants } from 'node:http2';
import { type Body, cancelBody, isStream } from '../body.ts';
import type { Call, Reply } from '../call.ts';
import { OutriderError } from '../errors.ts';
import type { Fields } from '../fields.ts';
import { getField } from '../fields.ts';
import { endToEnd } from '../hop-by-hop.ts';
import { isGrpc } from '../protocols/grpc.ts';
import type { ClientOptions } from './client.ts';
import { watchEnd } from './http2-end.ts';
import { toHttp2Headers, withoutPseudo } from './http2-fields.ts';
import { Http2ReplyBody, takeAll } from './http2-reply-body.ts';
import type { Session } from './http2-session.ts';
import { markNotSent } from './not-sent.ts';
import { PIECE_BYTES, pieces } from './pieces.ts';
import { pump } from './pump.ts';
import { upstreamError } from './upstream-error.ts';
import { watched } from './watched.ts';

export interface Http2Target extends ClientOptions {
  prefix: string;
}

export interface Outcome {
  resolve: (reply: Reply) => void;
  reject: (error: Error) => void;
  /** The stream has closed: its place on the connection is free. */
  done: () => void;
}

/** A server that never comes to its answer is silent, whatever it sends instead. */
const MOST_INFORMATIONAL = 16;

/**
 * One request and its response on a stream. The reply is given out once everything that arrived together with its headers
 * is known: a small response is bytes at hand, with its trailers, and a stream is not held back.
 */
export class Http2Exchange {
  readonly #call: Call;
  readonly #target: Http2Target;
  readonly #session: Session;
  readonly #outcome: Outcome;
  #stream: ClientHttp2Stream | undefined;
  #hasEnded: () => boolean = () => false;
  #failure: OutriderError | undefined;
  #informational = 0;
  /** Headers that have come; the reply is given out when what came with them is known. */
  #head: { status: number; headers: Fields } | undefined;
  /** Of a request that streams. */
  #resetting: AbortController | undefined;
  #replied = false;
  #body: Http2ReplyBody | undefined;
  #isUploading = true;
  #trailers: Fields = [];
  #settleTrailers: ((fields: Fields) => void) | undefined;
  #timer: NodeJS.Timeout | undefined;
  readonly #onAbort = (): void => this.#cancel();

  constructor(call: Call, target: Http2Target, session: Session, outcome: Outcome) {
    this.#call = call;
    this.#target = target;
    this.#session = session;
    this.#outcome = outcome;
  }

  start(): void {
    const { signal, body, trailers } = this.#call;
    const connection = this.#session.take();
    if (isSentInPieces(body)) this.#resetting = new AbortController();
    let stream: ClientHttp2Stream;
    try {
      stream = connection.request(this.#headers(), {
        endStream: body === null,
        waitForTrailers: body !== null && trailers !== undefined,
        ...(this.#resetting && { signal: this.#resetting.signal }),
      });
    } catch (error) {
      // Fields that cannot be said in HTTP/2.
      this.#outcome.done();
      void cancelBody(body).catch(() => undefined);
      this.#outcome.reject(
        new OutriderError('bad_request', 'the request cannot be sent over HTTP/2', { cause: error }),
      );
      return;
    }
    this.#stream = stream;
    this.#hasEnded = watchEnd(stream, () => this.#onEnd(stream));
    signal.addEventListener('abort', this.#onAbort);
    stream.on('response', (_headers, _flags, raw) => this.#onResponse(raw));
    stream.on('headers', () => this.#onInformational());
    stream.on('trailers', (_headers, _flags, raw) => {
      this.#trailers = endToEnd(withoutPseudo(raw));
    });
    stream.on('error', (error) => {
      if (!this.#hasEnded()) this.#failure ??= this.#failed(error);
    });
    stream.on('close', () => this.#onClose());
    this.#send(stream).then(
      () => {
        this.#isUploading = false;
      },
      (error: unknown) => {
        this.#isUploading = false;
        // A server may answer, and end the stream, without wanting to hear the rest.
        if (stream.closed || stream.destroyed || this.#hasEnded()) return;
        this.#fail(error instanceof OutriderError ? error : upstreamError(error, this.#target.name));
      },
    );
  }

  #headers(): Parameters<ReturnType<Session['take']>['request']>[0] {
    const { method, target, headers } = this.#call;
    const fields = toHttp2Headers(headers, isHost);
    const authority = getField(headers, 'host');
    fields[':method'] = method;
    fields[':path'] = target === '*' ? '*' : this.#target.prefix + target;
    if (authority !== undefined && authority !== '') fields[':authority'] = authority;
    return fields;
  }

  async #send(stream: ClientHttp2Stream): Promise<void> {
    const { body, trailers } = this.#call;
    if (body === null) {
      this.#await(this.#target.responseTimeoutMs);
      return;
    }
    if (trailers !== undefined) {
      stream.on('wantTrailers', () => {
        void trailers.then((fields) => {
          if (stream.closed || stream.destroyed) return;
          try {
            stream.sendTrailers(toHttp2Headers(fields));
          } catch (error) {
            // Fields that cannot be said in HTTP/2.
            this.#fail(upstreamError(error, this.#target.name));
          }
        });
      });
    }
    stream.on('finish', () => {
      // From the end of the request: an upload may take as long as it takes.
      if (!this.#replied && !stream.closed) this.#await(this.#target.responseTimeoutMs);
    });
    if (isSentInPieces(body)) {
      await pump(
        watched(isStream(body) ? body : pieces(body), () => this.#timer?.refresh()),
        stream,
      );
      stream.end();
    } else {
      stream.end(body);
    }
  }

  #onInformational(): void {
    this.#session.heard();
    // Each of these starts the response timeout anew.
    this.#timer?.refresh();
    if (++this.#informational > MOST_INFORMATIONAL)
      this.#fail(upstreamError(new Error('too many informational responses'), this.#target.name));
  }

  #onResponse(raw: readonly string[]): void {
    this.#session.heard();
    clearTimeout(this.#timer);
    if (this.#head !== undefined || this.#failure !== undefined) return;
    this.#head = {
      // Node lets no response through without a status.
      status: Number(raw[raw.indexOf(':status') + 1]),
      headers: endToEnd(withoutPseudo(raw)),
    };
    // When everything that was read with them has been handed over.
    setImmediate(() => this.#reply());
  }

  #reply(): void {
    const stream = this.#stream;
    if (stream === undefined || this.#head === undefined || this.#replied || this.#failure !== undefined) return;
    this.#replied = true;
    const { status, headers } = this.#head;
    if (this.#hasEnded()) {
      const body = takeAll(stream);
      const trailers = this.#trailers.length > 0 ? { trailers: Promise.resolve(this.#trailers) } : undefined;
      this.#outcome.resolve({ status, headers, body, ...trailers });
      return;
    }
    const trailers = new Promise<Fields>((resolve) => {
      this.#settleTrailers = resolve;
    });
    this.#await(this.#target.idleTimeoutMs);
    const body = new Http2ReplyBody(stream, {
      onChunk: () => this.#onChunk(),
      onAbandon: () => this.#cancel(),
      failure: () => this.#failure ?? this.#failed(undefined),
    });
    this.#body = body;
    this.#outcome.resolve({ status, headers, body: { [Symbol.asyncIterator]: () => body }, trailers });
  }

  /** The server has ended its side, its trailers included. */
  #onEnd(stream: ClientHttp2Stream): void {
    this.#session.heard();
    // Now: a reset may come right behind the end, and would take with it what nobody has read yet.
    this.#reply();
    this.#body?.complete();
    this.#settleTrailers?.(this.#trailers);
    if (!this.#isUploading || !isGrpc(this.#call.headers)) return;
    // With its status a gRPC server has said all, and listens no more. Its reply is given out first: a reset is a failure.
    this.#reply();
    this.#reset(stream);
  }

  #onChunk(): void {
    this.#session.heard();
    this.#timer?.refresh();
  }

  /** Fails the exchange when nothing more happens for so long. A reader that is slow itself does not count. */
  #await(ms: number): void {
    clearTimeout(this.#timer);
    if (ms === 0) return;
    this.#timer = setTimeout(() => {
      if (this.#body !== undefined && this.#body.waiting > 0) this.#timer?.refresh();
      else this.#fail(new OutriderError('timeout', `${this.#target.name} did not answer in time`));
    }, ms);
  }

  #cancel(): void {
    this.#fail(new OutriderError('cancelled', 'the caller has left'));
  }

  #fail(error: OutriderError): void {
    const stream = this.#stream;
    if (this.#failure !== undefined || stream === undefined || stream.closed) return;
    this.#failure = error;
    this.#end();
    this.#reset(stream);
    this.#body?.fail();
  }

  /**
   * RST_STREAM. Node's `close` ends the writable side first: the other side would take what it has of the body for the whole,
   * if only for a moment. Its abort signal does not.
   */
  #reset(stream: ClientHttp2Stream): void {
    if (this.#resetting === undefined || stream.writableEnded) stream.close(constants.NGHTTP2_CANCEL);
    else this.#resetting.abort();
  }

  #onClose(): void {
    clearTimeout(this.#timer);
    if (this.#hasEnded()) this.#reply();
    this.#end();
    if (this.#isUploading) void cancelBody(this.#call.body).catch(() => undefined);
    this.#outcome.done();
  }

  /** Whoever still waits is told. */
  #end(): void {
    this.#settle();
    this.#settleTrailers?.(this.#trailers);
    if (this.#replied) return;
    this.#replied = true;
    this.#failure ??= this.#failed(undefined);
    this.#outcome.reject(this.#failure);
  }

  #settle(): void {
    this.#call.signal.removeEventListener('abort', this.#onAbort);
  }

  #failed(error: Error | undefined): OutriderError {
    const { name } = this.#target;
    const cause = error ?? this.#session.failure ?? new Error(`reset with code ${this.#stream?.rstCode ?? 'unknown'}`);
    const failure = upstreamError(cause, name);
    const { rstCode, id } = this.#stream ?? {};
    const refused = rstCode === constants.NGHTTP2_REFUSED_STREAM || this.#session.isBeyondGoaway(id);
    return refused || isUnsent(cause) ? markNotSent(failure) : failure;
  }
}

/** Node's own words for requests that it did not send because the connection was ending. */
function isUnsent(error: Error): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'ERR_HTTP2_GOAWAY_SESSION' || code === 'ERR_HTTP2_INVALID_SESSION';
}

/** A connection whose memory is full of what it has to send takes no headers of a reply. */
function isSentInPieces(body: Body): body is Exclude<Body, null> {
  return isStream(body) || (body !== null && body.length > PIECE_BYTES);
}

function isHost(name: string): boolean {
  return name === 'host';
}
