/** Entry of the ledger's threads: one owns the writing connection, another, when asked for, a reading one. */
import { workerData } from 'node:worker_threads';
import { OutriderError } from '../errors.ts';
import { type Connection, type ServedThread, serveThread } from '../storage/serve-thread.ts';
import { openForReading, openForWriting } from '../storage/sqlite.ts';
import { toMessage } from '../storage/thread.ts';
import { LEDGER, LEDGER_NAME } from './database.ts';
import { listAudit, listCosts, summarizeCosts } from './query.ts';
import { createRetention } from './retention.ts';
import { createShipping } from './shipping.ts';
import type { ReadMethods, ThreadData, WriteMethods } from './thread.ts';
import { verify } from './verify.ts';
import { createWriter } from './writer.ts';

function openWriter({ file, maxBytes }: ThreadData, thread: ServedThread): Connection<WriteMethods> {
  const db = openForWriting(file, LEDGER);
  const writer = createWriter(db, maxBytes);
  const shipping = createShipping(db, writer);
  const retention = createRetention(db, writer);
  return {
    methods: {
      append: (units) =>
        writer.append(units).map((answer) => {
          if (!(answer instanceof OutriderError)) return answer;
          thread.noteFailure(answer.cause);
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

function openReader({ file }: ThreadData): Connection<ReadMethods> {
  const db = openForReading(file, LEDGER);
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
serveThread<WriteMethods | ReadMethods>(LEDGER_NAME, (thread) =>
  data.role === 'write' ? openWriter(data, thread) : openReader(data),
);
