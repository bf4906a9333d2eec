import type { DatabaseKind } from '../../storage/sqlite.ts';

/** Name of the database inside the data directory. */
export const HOST_FILE = 'host.db';

/** As messages name it. */
export const STORE_NAME = "the host's store";

/** Times are milliseconds since 1970. `seq` is the order in which things came, whatever the clock said. */
const TABLES = `
CREATE TABLE jobs (
  seq             INTEGER PRIMARY KEY AUTOINCREMENT,
  job_id          TEXT NOT NULL UNIQUE,
  agent_id        TEXT NOT NULL,
  principal       TEXT NOT NULL,
  idempotency_key TEXT,
  fingerprint     TEXT,
  request         TEXT,
  request_id      TEXT,
  traceparent     TEXT,
  tracestate      TEXT,
  status          TEXT NOT NULL CHECK (status IN ('queued', 'running', 'completed', 'failed', 'timed_out', 'cancelled')),
  result          TEXT,
  error           TEXT,
  created_at      INTEGER NOT NULL,
  started_at      INTEGER,
  finished_at     INTEGER,
  CHECK ((finished_at IS NULL) = (status IN ('queued', 'running'))),
  CHECK ((request IS NULL) = (status NOT IN ('queued', 'running'))),
  CHECK (result IS NULL OR status = 'completed')
) STRICT;
CREATE UNIQUE INDEX jobs_by_key ON jobs (agent_id, principal, idempotency_key) WHERE idempotency_key IS NOT NULL;
CREATE INDEX jobs_open ON jobs (status, seq) WHERE finished_at IS NULL;
CREATE INDEX jobs_by_end ON jobs (finished_at) WHERE finished_at IS NOT NULL;

CREATE TABLE results (
  seq             INTEGER PRIMARY KEY AUTOINCREMENT,
  run             TEXT NOT NULL UNIQUE,
  agent_id        TEXT NOT NULL,
  principal       TEXT NOT NULL,
  idempotency_key TEXT NOT NULL,
  fingerprint     TEXT NOT NULL,
  state           TEXT NOT NULL CHECK (state IN ('began', 'completed', 'failed', 'interrupted')),
  reply           TEXT,
  error           TEXT,
  began_at        INTEGER NOT NULL,
  finished_at     INTEGER,
  CHECK ((finished_at IS NULL) = (state = 'began')),
  UNIQUE (agent_id, principal, idempotency_key)
) STRICT;
CREATE INDEX results_began ON results (seq) WHERE finished_at IS NULL;
CREATE INDEX results_by_end ON results (finished_at) WHERE finished_at IS NOT NULL;

CREATE TABLE registered_agents (
  seq           INTEGER PRIMARY KEY AUTOINCREMENT,
  id            TEXT NOT NULL UNIQUE,
  registration  TEXT NOT NULL,
  registered_at INTEGER NOT NULL
) STRICT;
`;

/** `application_id`: 'OUTH'. */
export const HOST_STORE: DatabaseKind = { name: 'host', applicationId: 0x4f555448, migrations: [TABLES] };
