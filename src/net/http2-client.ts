import { isStream } from '../body.ts';
import type { Call, Reply } from '../call.ts';
import { OutriderError } from '../errors.ts';
import type { ClientOptions, HttpClient } from './client.ts';
import { Http2Exchange, type Http2Target } from './http2-exchange.ts';
import { Session } from './http2-session.ts';
import { wasNotSent } from './not-sent.ts';

export interface Http2ClientOptions extends ClientOptions {
  /**
   * How long nothing may come while requests are in flight, before the server is asked for a sign of life; as long after
   * that it is given up. 0: never, for servers that take pings for an attack. 30 s unless told otherwise.
   */
  pingAfterMs?: number;
}

const PING_AFTER_MS = 30_000;
/** Connections to one origin. More requests than they have room for wait on them. */
const MAX_SESSIONS = 16;

/**
 * HTTP/2 to one origin: with prior knowledge for `http:`, by ALPN for `https:`. Another connection is opened when the
 * server allows no more streams on those there are. A path in `url` is put before every target; `Host` becomes
 * `:authority`. Nothing is retried but, once, what crossed a GOAWAY of the server and was not looked at; `wasNotSent` tells
 * of an error whether that is safe.
 *
 * `responseTimeoutMs` counts from the end of the request, so that a call that streams both ways may have its answer begin
 * late; `idleTimeoutMs`, once the answer has begun, from the last bytes in either direction. 0 switches either off.
 */
export function http2Client(url: string, options: Http2ClientOptions): HttpClient {
  const { origin, pathname } = new URL(url);
  const target: Http2Target = { ...options, prefix: pathname.replace(/\/+$/, '') };
  const { pingAfterMs = PING_AFTER_MS, name, connectTimeoutMs } = options;
  const sessions = new Set<Session>();
  // Those that take no more requests, but have some to finish.
  const ending = new Set<Session>();
  let closed = false;

  const open = (): Session => {
    const session: Session = new Session(origin, {
      name,
      connectTimeoutMs,
      pingAfterMs,
      onClosed() {
        sessions.delete(session);
        if (session.inFlight > 0) ending.add(session);
      },
    });
    sessions.add(session);
    return session;
  };

  /** The connection with the most room, a new one when none has any. */
  const pick = (): Session => {
    let best: Session | undefined;
    for (const session of sessions) {
      // How many fit there is not known yet, but that it will be soon: a burst must not open a connection for each request.
      if (!session.isReady) return session;
      if (best === undefined || session.room > best.room) best = session;
    }
    if (best !== undefined && (best.room > 0 || sessions.size >= MAX_SESSIONS)) return best;
    return open();
  };

  const exchange = (session: Session, call: Call): Promise<Reply> =>
    new Promise((resolve, reject) => {
      const done = (): void => {
        session.release();
        if (session.inFlight === 0) ending.delete(session);
      };
      new Http2Exchange(call, target, session, { resolve, reject, done }).start();
    });

  return {
    async send(call) {
      for (let isAgain = false; ; ) {
        if (call.signal.aborted) throw new OutriderError('cancelled', 'the caller has left');
        if (closed) throw new OutriderError('unreachable', `${name} could not be reached`);
        const session = pick();
        if (!session.isReady) {
          await leaving(session.ready, call.signal);
          continue;
        }
        try {
          return await exchange(session, call);
        } catch (error) {
          // It crossed the server's GOAWAY on the way. A stream may have been read from already.
          if (isAgain || session.usable || isStream(call.body) || !wasNotSent(error)) throw error;
          isAgain = true;
        }
      }
    },
    async close() {
      closed = true;
      for (const session of [...sessions, ...ending]) session.destroy();
    },
  };
}

/** Waits for a connection, but no longer than the caller does. */
function leaving(ready: Promise<void>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const leave = (): void => reject(new OutriderError('cancelled', 'the caller has left'));
    signal.addEventListener('abort', leave);
    ready.then(resolve, reject).finally(() => signal.removeEventListener('abort', leave));
  });
}
