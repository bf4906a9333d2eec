import {
  Client,
  type ClientDuplexStream,
  type ClientOptions,
  type ClientReadableStream,
  type ClientWritableStream,
  credentials,
  Metadata,
  type MethodDefinition,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerOptions,
  type ServerReadableStream,
  type ServerUnaryCall,
  type ServerWritableStream,
  type ServiceDefinition,
  type ServiceError,
  type sendUnaryData,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';

/** A method whose messages are bytes as they are. */
export function bytesMethod(
  path: string,
  { requestStream = false, responseStream = false } = {},
): MethodDefinition<Buffer, Buffer> {
  const same = (bytes: Buffer): Buffer => bytes;
  return {
    path,
    requestStream,
    responseStream,
    requestSerialize: same,
    requestDeserialize: same,
    responseSerialize: same,
    responseDeserialize: same,
  };
}

export const ECHO = 'test.v1.Echo';
export const METHODS = {
  unary: bytesMethod(`/${ECHO}/Unary`),
  count: bytesMethod(`/${ECHO}/Count`, { responseStream: true }),
  collect: bytesMethod(`/${ECHO}/Collect`, { requestStream: true }),
  chat: bytesMethod(`/${ECHO}/Chat`, { requestStream: true, responseStream: true }),
} satisfies ServiceDefinition;

export interface GrpcServer {
  url: string;
  port: number;
  /** Metadata of every call, with its method and peer, in order of arrival. */
  seen: { method: string; metadata: Metadata; deadline: Date | number }[];
  /** Calls that the server saw cancelled. */
  cancelled: number;
  /** Calls that have begun and not ended. */
  readonly open: number;
  /** Bytes that `Count` has written. */
  written: number;
  server: Server;
  /** Ends it; cuts what is still open. */
  close(): void;
}

/**
 * A grpc-js server on a free port of the loopback interface, with `ECHO`: `Unary` and `Chat` echo, `Collect` gives the number
 * of bytes as text, `Count` sends as many messages as its request says. Metadata of the call steers it:
 * `x-echo`, `x-echo-bin` come back as headers, `x-trail`, `x-trail-bin` as trailers; `x-fail: CODE` fails with that status;
 * `x-sleep: MS` waits before the answer; `x-size: BYTES` is the size of each message of `Count`, `x-gap: MS` the time between
 * two. `Chat` answers `error` with status 9, and `hello` before the first message when `x-first` is set.
 */
export async function startGrpcServer(options: { port?: number; server?: ServerOptions } = {}): Promise<GrpcServer> {
  const server = new Server({ 'grpc.max_receive_message_length': 64 * 1024 * 1024, ...options.server });
  const live = new Set<unknown>();
  const state: GrpcServer = {
    url: '',
    port: 0,
    seen: [],
    cancelled: 0,
    get open() {
      return live.size;
    },
    written: 0,
    server,
    close: () => server.forceShutdown(),
  };
  type AnyCall =
    | ServerUnaryCall<Buffer, Buffer>
    | ServerReadableStream<Buffer, Buffer>
    | ServerWritableStream<Buffer, Buffer>
    | ServerDuplexStream<Buffer, Buffer>;
  const begin = (call: AnyCall): Metadata => {
    live.add(call);
    state.seen.push({ method: call.getPath(), metadata: call.metadata, deadline: call.getDeadline() });
    // The union's members declare the same method, each with its own `this`.
    (call as ServerUnaryCall<Buffer, Buffer>).on('cancelled', () => {
      state.cancelled++;
      live.delete(call);
    });
    const headers = copied(call.metadata, 'x-echo');
    if (Object.keys(headers.getMap()).length > 0) call.sendMetadata(headers);
    return copied(call.metadata, 'x-trail');
  };
  const ended = (call: AnyCall): boolean => {
    live.delete(call);
    return call.cancelled;
  };
  const failure = (call: AnyCall): Partial<ServiceError> | undefined => {
    const code = call.metadata.get('x-fail')[0];
    if (code === undefined) return undefined;
    const metadata = copied(call.metadata, 'x-trail');
    metadata.set('grpc-status-details-bin', Buffer.from('details'));
    return { code: Number(code), details: 'told to fail: ü%', metadata };
  };
  const pause = async (call: AnyCall): Promise<void> => sleep(Number(call.metadata.get('x-sleep')[0] ?? 0));

  const handlers: UntypedServiceImplementation = {
    async unary(call: ServerUnaryCall<Buffer, Buffer>, done: sendUnaryData<Buffer>) {
      const trailers = begin(call);
      await pause(call);
      if (ended(call)) return;
      const error = failure(call);
      if (error === undefined) done(null, call.request, trailers);
      else done(error);
    },
    async collect(call: ServerReadableStream<Buffer, Buffer>, done: sendUnaryData<Buffer>) {
      const trailers = begin(call);
      let size = 0;
      call.on('data', (message: Buffer) => {
        size += message.length;
      });
      call.on('end', () => {
        if (!ended(call)) done(null, Buffer.from(String(size)), trailers);
      });
      const error = failure(call);
      if (error === undefined) return;
      live.delete(call);
      done(error);
    },
    async count(call: ServerWritableStream<Buffer, Buffer>) {
      const trailers = begin(call);
      await pause(call);
      const message = Buffer.alloc(Number(call.metadata.get('x-size')[0] ?? 8), 'm');
      const gap = Number(call.metadata.get('x-gap')[0] ?? 0);
      const count = Number(call.request.toString());
      for (let i = 0; i < count && !call.cancelled; i++) {
        state.written += message.length;
        if (!call.write(message)) await either(call, 'drain', 'cancelled');
        if (gap > 0) await sleep(gap);
      }
      if (ended(call)) return;
      const error = failure(call);
      if (error === undefined) call.end(trailers);
      else call.emit('error', error);
    },
    chat(call: ServerDuplexStream<Buffer, Buffer>) {
      const trailers = begin(call);
      if (call.metadata.get('x-first').length > 0) call.write(Buffer.from('hello'));
      call.on('data', (message: Buffer) => {
        if (message.toString() !== 'error') {
          call.write(message);
          return;
        }
        live.delete(call);
        call.emit('error', { code: 9, details: 'told to fail' });
      });
      call.on('end', () => {
        if (!ended(call)) call.end(trailers);
      });
    },
  };
  server.addService(METHODS, handlers);
  state.port = await new Promise<number>((resolve, reject) => {
    server.bindAsync(`127.0.0.1:${options.port ?? 0}`, ServerCredentials.createInsecure(), (error, port) =>
      error === null ? resolve(port) : reject(error),
    );
  });
  state.url = `http://127.0.0.1:${state.port}`;
  return state;
}

export interface Outcome {
  /** Messages, in order. */
  messages: Buffer[];
  /** gRPC status. */
  code: number;
  details: string;
  headers: Metadata;
  trailers: Metadata;
}

export interface CallInit {
  metadata?: Record<string, string | Buffer>;
  deadlineMs?: number;
}

export interface GrpcClient {
  client: Client;
  unary(message: Buffer | string, init?: CallInit): Promise<Outcome>;
  collect(messages: Iterable<Buffer> | AsyncIterable<Buffer>, init?: CallInit): Promise<Outcome>;
  count(count: number, init?: CallInit): Promise<Outcome>;
  /** The calls themselves, for tests that do with them what they want. Errors must be listened for. */
  openCount(count: number, init?: CallInit): ClientReadableStream<Buffer>;
  openCollect(init?: CallInit): ClientWritableStream<Buffer>;
  openChat(init?: CallInit): ClientDuplexStream<Buffer, Buffer>;
  close(): void;
}

/** A grpc-js client for `ECHO` at a base URL. It does not retry. `token` goes along as bearer token. */
export function grpcClient(url: string, { token, ...options }: ClientOptions & { token?: string } = {}): GrpcClient {
  const client = new Client(new URL(url).host, credentials.createInsecure(), {
    'grpc.enable_retries': 0,
    'grpc.max_receive_message_length': 64 * 1024 * 1024,
    // Every client has connections of its own, so that no test sees another one's.
    'grpc.use_local_subchannel_pool': 1,
    ...options,
  });
  const metadataOf = ({ metadata = {} }: CallInit): Metadata => {
    const result = new Metadata();
    if (token !== undefined) result.set('authorization', `Bearer ${token}`);
    for (const [name, value] of Object.entries(metadata)) result.set(name, value);
    return result;
  };
  const optionsOf = ({ deadlineMs }: CallInit) =>
    deadlineMs === undefined ? {} : { deadline: Date.now() + deadlineMs };
  const { unary, count, collect, chat } = METHODS;

  const openCount: GrpcClient['openCount'] = (n, init = {}) =>
    client.makeServerStreamRequest(
      count.path,
      count.requestSerialize,
      count.responseDeserialize,
      Buffer.from(String(n)),
      metadataOf(init),
      optionsOf(init),
    );
  const openChat: GrpcClient['openChat'] = (init = {}) =>
    client.makeBidiStreamRequest(
      chat.path,
      chat.requestSerialize,
      chat.responseDeserialize,
      metadataOf(init),
      optionsOf(init),
    );
  return {
    client,
    openCount,
    openChat,
    openCollect: (init = {}) =>
      client.makeClientStreamRequest(
        collect.path,
        collect.requestSerialize,
        collect.responseDeserialize,
        metadataOf(init),
        optionsOf(init),
        () => undefined,
      ),
    unary: (message, init = {}) =>
      new Promise((resolve) => {
        let headers = new Metadata();
        let messages: Buffer[] = [];
        const call = client.makeUnaryRequest(
          unary.path,
          unary.requestSerialize,
          unary.responseDeserialize,
          Buffer.from(message),
          metadataOf(init),
          optionsOf(init),
          (_error, reply) => {
            messages = reply === undefined ? [] : [reply];
          },
        );
        call.on('metadata', (metadata) => {
          headers = metadata;
        });
        call.on('status', ({ code, details, metadata }) =>
          // The callback comes after the status.
          setImmediate(() => resolve({ messages, code, details, headers, trailers: metadata })),
        );
      }),
    collect: (messages, init = {}) =>
      new Promise((resolve) => {
        let headers = new Metadata();
        let answer: Buffer[] = [];
        const call = client.makeClientStreamRequest(
          collect.path,
          collect.requestSerialize,
          collect.responseDeserialize,
          metadataOf(init),
          optionsOf(init),
          (_error, reply) => {
            answer = reply === undefined ? [] : [reply];
          },
        );
        call.on('metadata', (metadata) => {
          headers = metadata;
        });
        let over = false;
        call.on('status', ({ code, details, metadata }) => {
          over = true;
          setImmediate(() => resolve({ messages: answer, code, details, headers, trailers: metadata }));
        });
        const send = async (): Promise<void> => {
          for await (const message of messages) {
            if (over) return;
            if (!call.write(message)) await either(call, 'drain', 'status');
          }
          call.end();
        };
        void send();
      }),
    count: (n, init) => outcome(openCount(n, init)),
    close: () => client.close(),
  };
}

/** Reads a stream of messages to its end, whatever that is. */
export function outcome(call: ClientReadableStream<Buffer> | ClientDuplexStream<Buffer, Buffer>): Promise<Outcome> {
  return new Promise((resolve) => {
    const messages: Buffer[] = [];
    let headers = new Metadata();
    call.on('metadata', (metadata) => {
      headers = metadata;
    });
    call.on('data', (message: Buffer) => messages.push(message));
    // Said in the status as well.
    call.on('error', () => undefined);
    call.on('status', ({ code, details, metadata }) =>
      resolve({ messages, code, details, headers, trailers: metadata }),
    );
  });
}

function copied(from: Metadata, prefix: string): Metadata {
  const metadata = new Metadata();
  for (const name of Object.keys(from.getMap())) {
    if (name.startsWith(prefix)) for (const value of from.get(name)) metadata.add(name, value);
  }
  return metadata;
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => {
    if (ms > 0) setTimeout(resolve, ms).unref();
    else resolve();
  });
}

/** Waits for one of two events, and leaves no listener behind. */
function either(emitter: NodeJS.EventEmitter, one: string, other: string): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      emitter.off(one, done);
      emitter.off(other, done);
      resolve();
    };
    emitter.on(one, done);
    emitter.on(other, done);
  });
}
