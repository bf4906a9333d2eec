/** Costs, the hash-chained audit log, and what of both has been shipped. */
export const LEDGER = `
CREATE TABLE costs (
  id            INTEGER PRIMARY KEY AUTOINCREMENT,
  event_id      TEXT NOT NULL UNIQUE,
  agent         TEXT NOT NULL,
  agent_version TEXT,
  team          TEXT,
  model         TEXT NOT NULL,
  provider      TEXT,
  input_tokens  INTEGER NOT NULL CHECK (input_tokens >= 0),
  output_tokens INTEGER NOT NULL CHECK (output_tokens >= 0),
  cost_nanos    INTEGER CHECK (cost_nanos >= 0),
  trace_id      TEXT,
  occurred_at   TEXT NOT NULL,
  recorded_at   TEXT NOT NULL
) STRICT;
CREATE INDEX costs_by_time ON costs (occurred_at);
CREATE INDEX costs_by_agent ON costs (agent);
CREATE INDEX costs_by_trace ON costs (trace_id) WHERE trace_id IS NOT NULL;

CREATE TABLE audit_log (
  seq         INTEGER PRIMARY KEY,
  event_id    TEXT NOT NULL UNIQUE,
  event_type  TEXT NOT NULL,
  actor       TEXT NOT NULL,
  resource    TEXT NOT NULL,
  metadata    TEXT NOT NULL,
  timestamp   TEXT NOT NULL,
  recorded_at TEXT NOT NULL,
  prev_hash   BLOB NOT NULL CHECK (length(prev_hash) = 32),
  hash        BLOB NOT NULL CHECK (length(hash) = 32)
) STRICT;
CREATE INDEX audit_log_by_type ON audit_log (event_type);
CREATE INDEX audit_log_by_time ON audit_log (timestamp);

CREATE TABLE audit_head (
  id             INTEGER PRIMARY KEY CHECK (id = 1),
  seq            INTEGER NOT NULL,
  hash           BLOB NOT NULL,
  pruned_through INTEGER NOT NULL,
  pruned_hash    BLOB NOT NULL
) STRICT;
INSERT INTO audit_head VALUES (1, 0, zeroblob(32), 0, zeroblob(32));

CREATE TRIGGER audit_log_no_update BEFORE UPDATE ON audit_log
BEGIN SELECT RAISE(ABORT, 'audit_log is append-only'); END;

CREATE TRIGGER audit_log_no_delete BEFORE DELETE ON audit_log
WHEN OLD.seq > (SELECT pruned_through FROM audit_head WHERE id = 1)
BEGIN SELECT RAISE(ABORT, 'audit_log is append-only'); END;

CREATE TABLE outbox_cursor (
  stream        TEXT PRIMARY KEY CHECK (stream IN ('costs', 'audit')),
  through       INTEGER NOT NULL,
  shipped_total INTEGER NOT NULL
) STRICT;
INSERT INTO outbox_cursor VALUES ('costs', 0, 0), ('audit', 0, 0);

CREATE TABLE outbox_rejected (
  id          INTEGER PRIMARY KEY AUTOINCREMENT,
  stream      TEXT NOT NULL,
  row_id      INTEGER NOT NULL,
  event_id    TEXT NOT NULL,
  body        TEXT NOT NULL,
  status      INTEGER NOT NULL,
  rejected_at TEXT NOT NULL,
  UNIQUE (stream, event_id)
) STRICT;
`;
