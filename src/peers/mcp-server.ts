import { Backoff } from '../backoff.ts';
import { OutriderError, toOutriderError } from '../errors.ts';
import { isRepeatable, type McpParams } from '../protocols/mcp.ts';
import { unlessAborted } from './abortable.ts';
import type { PeerLog } from './log.ts';
import { endsSession, faultText, SessionLost } from './mcp-errors.ts';
import { type Fetch, HttpRefusal } from './mcp-fetch.ts';
import { newScopeStore } from './mcp-scope.ts';
import { McpSession, type RpcOutcome } from './mcp-session.ts';
import { type McpServerOptions, makeTransport } from './mcp-transport.ts';
import { Tally, type TallySnapshot } from './tally.ts';

export interface McpServerStatus extends TallySnapshot {
  readonly transport: McpServerOptions['transport'];
  /** `idle`: not used yet, or lost and not needed since. `backing_off`: a child that keeps failing is left alone for now. */
  readonly state: 'idle' | 'connecting' | 'ready' | 'backing_off' | 'closed';
  /** Sessions opened so far; more than one means that some were lost. */
  readonly sessions: number;
}

export interface McpContext {
  readonly version: string;
  readonly timeoutMs: number;
  readonly bodyLimit: number;
  readonly fetch: Fetch;
  readonly spawnEnv: Readonly<Record<string, string | undefined>>;
  readonly log: PeerLog;
}

/** A child that ran this long was healthy: its end starts the backoff anew. */
const HEALTHY_MS = 30_000;

const FAULTS_LOGGED = 10;

/** One configured MCP server: opens a session on the first use, keeps it, and opens another when it is lost. */
export class McpServer {
  readonly #name: string;
  readonly #options: McpServerOptions;
  readonly #context: McpContext;
  readonly #backoff = new Backoff();
  readonly #tally = new Tally();
  #session: McpSession | undefined;
  #opening: Promise<McpSession> | undefined;
  /** Of sessions that were lost: their processes may still be dying. */
  readonly #endings = new Set<Promise<void>>();
  #checking = false;
  #sessions = 0;
  readonly #closing = new AbortController();

  constructor(name: string, options: McpServerOptions, context: McpContext) {
    this.#name = name;
    this.#options = options;
    this.#context = context;
  }

  async request(method: string, params: McpParams | undefined, signal: AbortSignal): Promise<RpcOutcome> {
    return this.#counted(() =>
      this.#withSession(signal, isRepeatable(method), async (session) => {
        try {
          return await session.request(method, params, signal);
        } catch (error) {
          if (error instanceof OutriderError && error.code === 'timeout') void this.#check(session);
          throw error;
        }
      }),
    );
  }

  async notify(method: string, params: McpParams | undefined, signal: AbortSignal): Promise<void> {
    await this.#counted(() => this.#withSession(signal, false, (session) => session.notify(method, params, signal)));
  }

  /** What the server answered to our own `initialize`. */
  async initializeResult(signal: AbortSignal): Promise<Record<string, unknown>> {
    return this.#counted(() => this.#withSession(signal, true, (session) => Promise.resolve(session.initializeResult)));
  }

  status(): McpServerStatus {
    return {
      transport: this.#options.transport,
      state: this.#state(),
      sessions: this.#sessions,
      ...this.#tally.snapshot(),
    };
  }

  /** Resolves when nothing of it is left. */
  async close(): Promise<void> {
    this.#closing.abort();
    // One that is being opened fails now.
    await this.#opening?.catch(() => {});
    await this.#session?.end();
    await Promise.all(this.#endings);
  }

  #state(): McpServerStatus['state'] {
    if (this.#closing.signal.aborted) return 'closed';
    if (this.#session?.isOpen === true) return 'ready';
    if (this.#opening !== undefined) return 'connecting';
    return this.#backoff.remaining(Date.now()) > 0 ? 'backing_off' : 'idle';
  }

  async #counted<T>(work: () => Promise<T>): Promise<T> {
    try {
      const value = await work();
      this.#tally.ok();
      return value;
    } catch (thrown) {
      const error = toOutriderError(thrown);
      this.#tally.failed(error.code);
      throw error;
    }
  }

  /** Runs `use`, once more with a new session when the first was lost and running it again is safe. */
  async #withSession<T>(
    signal: AbortSignal,
    repeatable: boolean,
    use: (session: McpSession) => Promise<T>,
  ): Promise<T> {
    for (let again = false; ; again = true) {
      const session = await this.#ready(signal);
      try {
        return await use(session);
      } catch (error) {
        if (!(error instanceof SessionLost)) throw error;
        void this.#drop(session);
        if (again || !(repeatable || error.extent === 'nothing ran')) throw lostError(error);
      }
    }
  }

  /** The open session; the first callers share its opening, and one that leaves does not end it for the others. */
  async #ready(signal: AbortSignal): Promise<McpSession> {
    if (this.#closing.signal.aborted) throw new OutriderError('draining', 'the sidecar is shutting down');
    if (signal.aborted) throw new OutriderError('cancelled', 'the caller has left');
    if (this.#session?.isOpen === true) return this.#session;
    const wait = this.#backoff.remaining(Date.now());
    if (wait > 0) {
      throw new OutriderError('unreachable', 'the MCP server keeps failing and is left alone for now', {
        retryAfter: wait / 1000,
        details: { retry_after_ms: Math.ceil(wait) },
      });
    }
    this.#opening ??= this.#open().finally(() => {
      this.#opening = undefined;
    });
    return unlessAborted(this.#opening, signal);
  }

  async #open(): Promise<McpSession> {
    const { log, version, timeoutMs } = this.#context;
    const store = newScopeStore();
    try {
      const transport = await makeTransport(this.#options, { ...this.#context, name: this.#name, store });
      const session = await McpSession.open({
        transport,
        store,
        version,
        timeoutMs,
        onFault: faultLog(log, this.#name),
        closing: this.#closing.signal,
      });
      this.#session = session;
      this.#sessions++;
      void this.#watch(session, Date.now());
      return session;
    } catch (error) {
      this.#countFailure();
      log.warn('MCP server could not be initialised', { mcp_server: this.#name, error: faultText(error) });
      throw error instanceof SessionLost ? lostError(error) : error;
    }
  }

  async #watch(session: McpSession, since: number): Promise<void> {
    await session.ended;
    void this.#drop(session);
    if (this.#closing.signal.aborted) return;
    this.#context.log.warn('MCP session ended', { mcp_server: this.#name });
    if (Date.now() - since >= HEALTHY_MS) this.#backoff.reset();
    this.#countFailure();
  }

  /** Only a child costs something to start again. */
  #countFailure(): void {
    if (this.#options.transport === 'stdio') this.#backoff.failed(Date.now());
  }

  /** After a timeout: a server that does not answer a ping either is stuck, and gets a new session. */
  async #check(session: McpSession): Promise<void> {
    if (this.#checking) return;
    this.#checking = true;
    try {
      await session.request('ping', undefined, new AbortController().signal);
    } catch {
      await this.#drop(session);
    } finally {
      this.#checking = false;
    }
  }

  async #drop(session: McpSession): Promise<void> {
    if (this.#session === session) this.#session = undefined;
    const ending = session.close();
    this.#endings.add(ending);
    await ending;
    this.#endings.delete(ending);
  }
}

/** A session's faults in the log, of which only the first few: a child that chatters on stdout makes one a line. */
function faultLog(log: PeerLog, server: string): (error: Error) => void {
  let left = FAULTS_LOGGED;
  return (error) => {
    const fields = { mcp_server: server, error: faultText(error) };
    if (endsSession(error)) log.warn('MCP transport gave up', fields);
    else if (left-- > 0) log.info('MCP transport fault', fields);
  };
}

function lostError(error: SessionLost): OutriderError {
  const message =
    error.extent === 'nothing ran'
      ? 'the MCP server could not be reached'
      : 'the connection to the MCP server was lost before it answered; the request may have run';
  const status = error.cause instanceof HttpRefusal ? { details: { status: error.cause.status } } : {};
  return new OutriderError('unreachable', message, { cause: error, ...status });
}
