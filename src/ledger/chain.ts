import { hash } from 'node:crypto';

/** The columns of one row of `audit_log` that its hash covers, in the order in which it covers them. */
export interface AuditColumns {
  seq: number;
  event_id: string;
  event_type: string;
  actor: string;
  resource: string;
  /** JSON text, byte for byte as it is stored. */
  metadata: string;
  timestamp: string;
  recorded_at: string;
}

/** What stands before the first row. */
export const GENESIS: Uint8Array = new Uint8Array(32);

/**
 * SHA-256 over the previous hash and all columns, each as a netstring (`LENGTH:BYTES,`, length in bytes of UTF-8), so that no
 * two rows have the same encoding. docs/ledger.md describes it for other programs; changing it breaks every chain there is.
 */
export function chainHash(previous: Uint8Array, row: AuditColumns): Buffer {
  const text =
    netstring('outrider-audit-v1') +
    netstring(Buffer.from(previous).toString('hex')) +
    netstring(String(row.seq)) +
    netstring(row.event_id) +
    netstring(row.event_type) +
    netstring(row.actor) +
    netstring(row.resource) +
    netstring(row.metadata) +
    netstring(row.timestamp) +
    netstring(row.recorded_at);
  return hash('sha256', text, 'buffer');
}

function netstring(value: string): string {
  return `${Buffer.byteLength(value)}:${value},`;
}
