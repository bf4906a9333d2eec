import { at } from '../http.ts';
import type { Step, Tour } from '../tour.ts';
import { until } from '../until.ts';

const COUNT = 300;
const AT_ONCE = 6;
const MODEL = 'night-shift';

const arrive: Step = {
  title: 'A ledger apart: rows are shipped as they are written',
  async run({ stage, ask, quietly, outrider, same }) {
    const { colleague, ledger } = stage;
    const json = { input: 'Where do rows go?' };
    const { json: answer } = await ask({ url: `${colleague.inbound}/invoke`, token: colleague.token, json });
    const id = at(answer, 'cost_event');
    const arrived = async (path: string): Promise<boolean> => {
      const { text } = await quietly({ url: ledger.url + path, token: ledger.token });
      return text.includes(String(id));
    };
    await until(
      'the rows at the ledger',
      async () => (await arrived('/api/v1/costs')) && (await arrived('/api/v1/audit')),
    );
    const costs = await outrider(['costs', '--url', ledger.url, '--agent', 'colleague', '--limit', '1'], {
      rows: true,
    });
    same(
      'the cost of that answer is at the ledger',
      costs.rows.map((row) => row['event_id']),
      [id],
    );
    const audit = await outrider(['audit', '--url', ledger.url, '--type', 'cost.recorded', '--limit', '1'], {
      rows: true,
    });
    same(
      'and so is its audit row',
      audit.rows.map((row) => row['event_id']),
      [`cost.recorded:${String(id)}`],
    );
  },
};

const survive: Step = {
  title: 'kill -9 of the ledger while rows come in: none lost, none twice',
  async run(tour) {
    const { stage, page, ask, outrider, same, holds } = tour;
    const { colleague, ledger } = stage;
    page.command(
      `seq ${COUNT} | xargs -P ${AT_ONCE} -I N curl $COLLEAGUE_HELPERS/cost`,
      `--json '{"event_id":"night-N","model":"${MODEL}","input_tokens":N,"output_tokens":1,"cost_usd":0.001}' &`,
    );
    const recording = recordAll(tour, colleague.helpers);
    await until('a third of the events', () => recording.accepted() >= COUNT / 3);
    page.command(`kill -9 ${ledger.process.pid}   # the ledger`);
    ledger.process.signal('SIGKILL');
    const end = await ledger.process.exited;
    const before = recording.accepted();
    recording.goOn();
    await recording.done;
    page.output(`${before} were accepted before it died, ${recording.accepted() - before} after`);
    same(
      `all ${COUNT} were accepted, some of them without a ledger`,
      [end.signal, recording.accepted(), before < COUNT],
      ['SIGKILL', COUNT, true],
    );

    const outbox = (health: unknown): unknown => at(health, 'ledger', 'outbox');
    const { json: waiting } = await ask({ url: `${colleague.helpers}/health` }, ({ json }) =>
      JSON.stringify({ outbox: outbox(json) }),
    );
    holds('what waits is visible, and waits', Number(at(outbox(waiting), 'pending')) > 0, outbox(waiting));

    page.command(`outrider ledger --addr ${new URL(ledger.url).host} --database sqlite:ledger.db &`);
    await ledger.restart();
    await until(
      'an empty outbox',
      async () => at(outbox((await tour.quietly({ url: `${colleague.helpers}/health` })).json), 'pending') === 0,
      15_000,
    );
    const all = ['--limit', '100000'];
    const sums = await outrider(['costs', '--url', ledger.url, '--group-by', 'model'], { rows: true });
    const costs = await outrider(['costs', '--url', ledger.url, '--model', MODEL, ...all], { rows: true, lines: 3 });
    const audit = await outrider(['audit', '--url', ledger.url, '--type', 'cost.recorded', ...all], {
      rows: true,
      lines: 3,
    });
    const expected = Array.from({ length: COUNT }, (_, index) => `night-${index + 1}`);
    const row = sums.rows.find(({ key }) => key === MODEL);
    same(
      `${COUNT} events, their sums exact`,
      [row?.['events'], row?.['input_tokens'], row?.['cost_usd']],
      [COUNT, (COUNT * (COUNT + 1)) / 2, COUNT / 1000],
    );
    const ids = costs.rows.map((cost) => cost['event_id']);
    same('each event once', [ids.length, new Set(ids)], [COUNT, new Set(expected)]);
    const audited = audit.rows.map((entry) => String(entry['event_id'])).filter((id) => id.includes(':night-'));
    const prefixed = expected.map((id) => `cost.recorded:${id}`);
    same('each audit row once', [audited.length, new Set(audited)], [COUNT, new Set(prefixed)]);
  },
};

/**
 * Posts the events in the order of their numbers, a few at once, as the agent would. The last third waits for `goOn`, so that
 * some are left for when the ledger is dead, however fast the machine.
 */
function recordAll(
  { quietly }: Pick<Tour, 'quietly'>,
  helpers: string,
): { accepted: () => number; goOn: () => void; done: Promise<unknown> } {
  let next = 1;
  let accepted = 0;
  const { promise: isDead, resolve: goOn } = Promise.withResolvers<void>();
  const worker = async (): Promise<void> => {
    while (next <= COUNT) {
      if (next > (COUNT * 2) / 3) await isDead;
      if (next > COUNT) return;
      const number = next++;
      const json = {
        event_id: `night-${number}`,
        model: MODEL,
        input_tokens: number,
        output_tokens: 1,
        cost_usd: 0.001,
      };
      const { status } = await quietly({ url: `${helpers}/cost`, json });
      if (status === 202) accepted++;
    }
  };
  const done = Promise.all(Array.from({ length: AT_ONCE }, worker));
  done.catch(() => undefined);
  return { accepted: () => accepted, goOn, done };
}

export const shipping: Step[] = [arrive, survive];
