import { parentPort } from 'node:worker_threads';
import { OutriderError } from '../errors.ts';
import { isDiskError, toStorageError } from './sqlite.ts';
import { type Request, type Response, toMessage } from './thread.ts';

/** What one thread owns. */
export interface Connection<M> {
  readonly methods: M;
  /** Told to the other side with every answer. */
  state?(): unknown;
  close(): void;
}

export interface ServedThread {
  /** For a method that answers a disk's error instead of throwing it: the next request opens a new connection. */
  noteFailure(error: unknown): void;
}

/** Answers the requests of `startThread` in this thread, one after the other. `what` names in messages what it keeps. */
export function serveThread<M extends object>(what: string, open: (thread: ServedThread) => Connection<M>): void {
  const port = parentPort;
  if (port === null) throw new Error('this runs as a thread only');
  let connection: Connection<M> | undefined;
  /** After a failing disk, what the connection holds in memory may be wrong. */
  let broken = false;
  const thread: ServedThread = {
    noteFailure(error) {
      if (isDiskError(error)) broken = true;
    },
  };

  const connect = (): Connection<M> => {
    if (broken) {
      connection?.close();
      connection = undefined;
      broken = false;
    }
    connection ??= open(thread);
    return connection;
  };

  const answer = (id: number, work: (methods: M) => unknown): Response => {
    try {
      const connection = connect();
      const value = work(connection.methods);
      return { id, value, ...(connection.state && !broken && { state: connection.state() }) };
    } catch (thrown) {
      thread.noteFailure(thrown);
      return { id, error: toMessage(toStorageError(thrown, what)) };
    }
  };

  port.on('message', (request: Request | null) => {
    if (request === null) {
      connection?.close();
      port.close();
      return;
    }
    port.postMessage(
      answer(request.id, (methods) => {
        // thread.ts types the pairs of method and params.
        const method = (methods as Record<string, (params: unknown) => unknown>)[request.method];
        if (method === undefined)
          throw new OutriderError('internal', `there is no method ${request.method} in ${what}`);
        return method(request.params);
      }),
    );
  });

  const opened = answer(0, () => undefined);
  port.postMessage(opened);
  if (opened.error !== undefined) port.close();
}
