import { http } from '../../support/http.ts';
import { LEDGER_TOKEN, type Ledger, ledgerFor } from '../../support/ledger.ts';
import { freePort } from '../../support/ports.ts';
import { type Ends, tempDir } from '../../support/temp.ts';

export interface FutureLedger {
  /** What a sidecar needs to ship there. */
  readonly env: Readonly<Record<string, string>>;
  /** `outrider ledger`, which was not there until now. */
  start(): Promise<Ledger>;
}

export async function futureLedger(t: Ends): Promise<FutureLedger> {
  const port = await freePort();
  return {
    env: { OUTRIDER_LEDGER_URL: `http://127.0.0.1:${port}`, OUTRIDER_LEDGER_TOKEN: LEDGER_TOKEN },
    start: () => ledgerFor(t, { directory: tempDir(t), port }),
  };
}

/** Reports a cost to the sidecar; gives the status, 0 when nobody answered. */
export async function reportCost(sidecar: { cost: string }, id: string): Promise<number> {
  const body = { event_id: id, model: 'm', input_tokens: 1, output_tokens: 1, cost_usd: 0.001 };
  const reply = await http(`${sidecar.cost}/cost`, { body }).catch(() => undefined);
  return reply?.status ?? 0;
}

/** Ids of the costs that the ledger has, sorted, and how many of its audit rows speak of costs. */
export async function costsAt(ledger: Ledger): Promise<{ ids: string[]; audited: number }> {
  const { costs } = (await ledger.ask('/api/v1/costs?limit=1000')).json;
  const { audit } = (await ledger.ask('/api/v1/audit?event_type=cost.recorded&limit=1000')).json;
  return { ids: costs.map((row: { event_id: string }) => row.event_id).sort(), audited: audit.length };
}
