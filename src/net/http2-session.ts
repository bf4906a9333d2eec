import { type ClientHttp2Session, connect, constants } from 'node:http2';
import { OutriderError } from '../errors.ts';
import { markNotSent } from './not-sent.ts';
import { upstreamError } from './upstream-error.ts';

export interface SessionOptions {
  /** What the other side is called in errors. */
  name: string;
  connectTimeoutMs: number;
  /** How long nothing may come while requests wait, before the peer is asked whether it is there; 0: it never is. */
  pingAfterMs: number;
  /** The peer takes no new requests here. */
  onClosed: () => void;
}

/** Streams that a peer is taken to allow until it has said how many. */
const DEFAULT_STREAMS = 100;
/** What may be under way to us on one stream, and on all together, before the sender must wait. */
const STREAM_WINDOW_BYTES = 256 * 1024;
const SESSION_WINDOW_BYTES = 4 * 1024 * 1024;
/** In megabytes. It bounds what requests wait to be sent, for all streams of a connection. */
const MEMORY_MB = 64;
/** Below the time after which servers end idle connections, so that a request rarely goes out on one that is ending. */
const IDLE_MS = 30_000;

/** One connection to an HTTP/2 server. Keeps the process alive only while requests are in flight. */
export class Session {
  readonly #session: ClientHttp2Session;
  readonly #options: SessionOptions;
  /** Settles when the peer has sent its settings: only then is it known to speak HTTP/2, and for how many streams. */
  readonly ready: Promise<void>;
  isReady = false;
  /** Requests that were given to this connection, the waiting ones included. */
  inFlight = 0;
  #usable = true;
  #heard = false;
  #pinging = false;
  #pings: NodeJS.Timeout | undefined;
  #idle: NodeJS.Timeout | undefined;
  #failure: Error | undefined;
  /** Of a GOAWAY that has come. */
  #lastStreamId: number | undefined;

  constructor(origin: string, options: SessionOptions) {
    this.#options = options;
    const settings = { enablePush: false, initialWindowSize: STREAM_WINDOW_BYTES };
    // Which fields may stand twice is not for us to say: the message is passed on.
    const sessionOptions = { settings, maxSessionMemory: MEMORY_MB, strictSingleValueFields: false };
    this.#session = connect(origin, sessionOptions);
    this.ready = this.#open();
    // Whoever waits for it is told; without anybody it is not a rejection that nobody handles.
    this.ready.catch(() => undefined);
  }

  get usable(): boolean {
    return this.#usable;
  }

  /** How many more requests the peer takes now. */
  get room(): number {
    return (this.#session.remoteSettings.maxConcurrentStreams ?? DEFAULT_STREAMS) - this.inFlight;
  }

  /** The connection, for one request; `release` is to be called when its stream has closed. */
  take(): ClientHttp2Session {
    if (this.inFlight++ === 0) {
      clearTimeout(this.#idle);
      this.#session.ref();
      this.#watch();
    }
    return this.#session;
  }

  release(): void {
    if (--this.inFlight > 0) return;
    clearInterval(this.#pings);
    if (this.#session.destroyed) return;
    this.#session.unref();
    this.#idle = setTimeout(() => this.close(), IDLE_MS).unref();
  }

  /** Something has come from the peer. */
  heard(): void {
    this.#heard = true;
  }

  /** Why the connection has ended, when something was wrong with it. */
  get failure(): Error | undefined {
    return this.#failure;
  }

  /** Whether the peer has said that it never looked at this stream. */
  isBeyondGoaway(streamId: number | undefined): boolean {
    return this.#lastStreamId !== undefined && (streamId === undefined || streamId > this.#lastStreamId);
  }

  /** No new requests; ends when those in flight have. */
  close(): void {
    this.#retire();
    this.#session.close();
  }

  /** Cuts whatever is in flight. */
  destroy(): void {
    this.#retire();
    this.#session.destroy();
  }

  #open(): Promise<void> {
    const session = this.#session;
    const { name, connectTimeoutMs } = this.#options;
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => {
        session.destroy(new OutriderError('unreachable', `${name} could not be reached in time`));
      }, connectTimeoutMs);
      session.once('remoteSettings', () => {
        clearTimeout(late);
        this.isReady = true;
        session.setLocalWindowSize(SESSION_WINDOW_BYTES);
        if (this.inFlight === 0) session.unref();
        resolve();
      });
      session.on('goaway', (code, lastStreamId) => {
        this.#lastStreamId = lastStreamId;
        // "Too many pings": this kind of server takes them for an attack (gRPC's, by default).
        if (code === constants.NGHTTP2_ENHANCE_YOUR_CALM) clearInterval(this.#pings);
        this.#retire();
      });
      session.on('error', (error) => {
        this.#failure = error;
      });
      session.on('close', () => {
        clearTimeout(late);
        clearTimeout(this.#idle);
        clearInterval(this.#pings);
        this.#retire();
        if (this.isReady) return;
        const cause = this.#failure ?? new Error('the connection was closed before it was ready');
        reject(markNotSent(upstreamError(cause, name)));
      });
    });
  }

  #retire(): void {
    if (!this.#usable) return;
    this.#usable = false;
    this.#options.onClosed();
  }

  /** A peer that vanished without a word leaves requests waiting for ever: it is asked for a sign of life. */
  #watch(): void {
    const { pingAfterMs, name } = this.#options;
    if (pingAfterMs === 0) return;
    clearInterval(this.#pings);
    this.#pings = setInterval(() => {
      const heard = this.#heard;
      this.#heard = false;
      if (heard || this.#session.destroyed || !this.isReady) return;
      if (this.#pinging) {
        this.#session.destroy(new OutriderError('unreachable', `${name} does not answer any more`));
        return;
      }
      this.#pinging = true;
      this.#session.ping((error) => {
        this.#pinging = false;
        if (error === null) this.#heard = true;
      });
    }, pingAfterMs).unref();
  }
}
