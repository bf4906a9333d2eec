import { Worker, type WorkerOptions } from 'node:worker_threads';
import { embedded } from '../embedded.ts';
import { OutriderError } from '../errors.ts';

/** An error as it crosses from thread to thread. */
export interface ErrorMessage {
  code: OutriderError['code'];
  message: string;
  retryAfter: number | undefined;
  cause: string;
}

export interface Request {
  id: number;
  method: string;
  params: unknown;
}

/** The first answer, with id 0, says that the database is open. */
export interface Response {
  id: number;
  value?: unknown;
  error?: ErrorMessage;
  /** What the thread tells of itself with every answer. */
  state?: unknown;
}

type Methods<M> = Record<keyof M, (params: never) => unknown>;

export interface Thread<M extends Methods<M>> {
  /** Resolves when the database is open, rejects when it cannot be opened. */
  readonly ready: Promise<void>;
  call<K extends keyof M & string>(method: K, params: Parameters<M[K]>[0]): Promise<ReturnType<M[K]>>;
  /** Ends the thread after what it has been asked already; forcibly after `timeoutMs`. */
  close(timeoutMs: number): Promise<void>;
}

export interface ThreadOptions {
  /** The module that calls `serveThread`. */
  readonly entry: URL;
  /** What the single executable carries in its place. */
  readonly embeddedEntry: string;
  /** What it gets as `workerData`. */
  readonly data: object;
  /** Of the thread, for debuggers. */
  readonly name: string;
  /** As messages name what it keeps: 'the ledger'. */
  readonly what: string;
  readonly state?: ((state: never) => void) | undefined;
  /** Told once when the thread ends without having been closed. */
  readonly died?: ((reason: OutriderError) => void) | undefined;
}

/** Starts a thread that owns one connection. */
export function startThread<M extends Methods<M>>(options: ThreadOptions): Thread<M> {
  const worker = newWorker(options, {
    workerData: options.data,
    name: options.name,
    env: {},
    execArgv: ['--disable-warning=ExperimentalWarning'],
    // It holds one batch at a time: a small young generation keeps its memory small.
    resourceLimits: { maxYoungGenerationSizeMb: 4 },
  });
  // oxlint-disable-next-line require-post-message-target-origin -- a thread has no origin; that is a window's argument
  const send = (request: Request | null): void => worker.postMessage(request);
  const waiting = new Map<number, { resolve(value: never): void; reject(error: OutriderError): void }>();
  let last = 0;
  let closing = false;
  let failure: unknown;
  let gone: OutriderError | undefined;

  const ready = new Promise<void>((resolve, reject) => {
    waiting.set(0, { resolve: () => resolve(), reject });
  });
  // Whoever does not wait for it learns of the failure by `died`.
  ready.catch(() => undefined);

  worker.on('message', (answer: Response) => {
    // Who starts a thread and what it runs agree on the state.
    if (answer.state !== undefined) options.state?.(answer.state as never);
    const caller = waiting.get(answer.id);
    waiting.delete(answer.id);
    // The worker answers a request with what the method of that name returns.
    if (answer.error === undefined) caller?.resolve(answer.value as never);
    else {
      const error = fromMessage(answer.error);
      if (answer.id === 0) failure = error;
      caller?.reject(error);
    }
  });
  worker.on('error', (error) => {
    failure = error;
  });
  const exited = new Promise<void>((resolve) => {
    worker.on('exit', () => {
      gone = new OutriderError('overloaded', `${options.what} is restarting`, { retryAfter: 1, cause: failure });
      for (const caller of waiting.values()) caller.reject(gone);
      waiting.clear();
      if (!closing) options.died?.(gone);
      resolve();
    });
  });

  return {
    ready,
    call(method, params) {
      if (gone !== undefined) return Promise.reject(gone);
      const id = ++last;
      return new Promise((resolve, reject) => {
        waiting.set(id, { resolve, reject });
        send({ id, method, params });
      });
    },
    async close(timeoutMs) {
      closing = true;
      send(null);
      const timer = setTimeout(() => void worker.terminate(), timeoutMs);
      await exited;
      clearTimeout(timer);
    },
  };
}

function newWorker({ entry, embeddedEntry }: ThreadOptions, options: WorkerOptions): Worker {
  const code = embedded(embeddedEntry);
  return code === undefined
    ? new Worker(entry, options)
    : new Worker(Buffer.from(code).toString(), { ...options, eval: true });
}

export function toMessage(error: OutriderError): ErrorMessage {
  const { code, message, retryAfter, cause } = error;
  return { code, message, retryAfter, cause: cause instanceof Error ? cause.message : '' };
}

export function fromMessage({ code, message, retryAfter, cause }: ErrorMessage): OutriderError {
  return new OutriderError(code, message, { ...(retryAfter !== undefined && { retryAfter }), ...(cause && { cause }) });
}
