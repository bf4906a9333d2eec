/** Entry of the ledger's threads: one owns the writing connection, another, when asked for, a reading one. */
import { parentPort, workerData } from 'node:worker_threads';
import { OutriderError } from '../errors.ts';
import { isDiskError, openForReading, openForWriting, toLedgerError } from './database.ts';
import { listAudit, listCosts, summarizeCosts } from './query.ts';
import type { LedgerState } from './records.ts';
import { createRetention } from './retention.ts';
import { createShipping } from './shipping.ts';
import {
  type ReadMethods,
  type Request,
  type Response,
  type ThreadData,
  toMessage,
  type WriteMethods,
} from './thread.ts';
import { verify } from './verify.ts';
import { createWriter } from './writer.ts';

interface Connection {
  methods: WriteMethods | ReadMethods;
  state?(): LedgerState;
  close(): void;
}

function openWriter({ file, maxBytes }: ThreadData): Connection {
  const db = openForWriting(file);
  const writer = createWriter(db, maxBytes);
  const shipping = createShipping(db, writer);
  const retention = createRetention(db, writer);
  return {
    methods: {
      append: (units) =>
        writer.append(units).map((answer) => {
          if (!(answer instanceof OutriderError)) return answer;
          if (isDiskError(answer.cause)) broken = true;
          return { error: toMessage(answer) };
        }),
      pending: shipping.pending,
      acknowledge: shipping.acknowledge,
      prune: retention.prune,
    },
    state: shipping.state,
    close: () => db.close(),
  };
}

function openReader({ file }: ThreadData): Connection {
  const db = openForReading(file);
  return {
    methods: {
      costs: (query) => listCosts(db, query),
      summary: (query) => summarizeCosts(db, query),
      audit: (query) => listAudit(db, query),
      verify: (checkpoint) => verify(db, checkpoint),
    },
    close: () => db.close(),
  };
}

// The parent is this folder's thread.ts, which gives exactly this.
const data = workerData as ThreadData;
const port = parentPort;
if (port === null) throw new Error('worker.ts runs as a thread only');

let connection: Connection | undefined;
/** After a failing disk, what the connection holds in memory may be wrong: the next request opens a new one. */
let broken = false;

function connect(): Connection {
  if (broken) {
    connection?.close();
    connection = undefined;
    broken = false;
  }
  connection ??= data.role === 'write' ? openWriter(data) : openReader(data);
  return connection;
}

function answer(id: number, work: (connection: Connection) => unknown): Response {
  try {
    const connection = connect();
    const value = work(connection);
    return { id, value, ...(connection.state && !broken && { state: connection.state() }) };
  } catch (thrown) {
    if (isDiskError(thrown)) broken = true;
    return { id, error: toMessage(toLedgerError(thrown)) };
  }
}

port.on('message', (request: Request | null) => {
  if (request === null) {
    connection?.close();
    port.close();
    return;
  }
  port.postMessage(
    answer(request.id, ({ methods }) => {
      // thread.ts types the pairs of method and params; the role says which of the two sets this is.
      const method = (methods as unknown as Record<string, (params: unknown) => unknown>)[request.method];
      if (method === undefined)
        throw new OutriderError('internal', `the ledger thread has no method ${request.method}`);
      return method(request.params);
    }),
  );
});

const opened = answer(0, () => undefined);
port.postMessage(opened);
if (opened.error !== undefined) port.close();
