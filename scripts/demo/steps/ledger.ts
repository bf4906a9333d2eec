import { randomBytes, randomUUID } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { at } from '../http.ts';
import type { Step } from '../tour.ts';
import { invoke, nanos } from './agent.ts';
import { SECRETS } from './guardrails.ts';

const LOCAL = ['--data-dir', 'gist'];

const event: Step = {
  title: 'What an answer cost is on record, with its trace',
  async run(tour) {
    const traceId = randomBytes(16).toString('hex');
    const traceparent = `00-${traceId}-${randomBytes(8).toString('hex')}-01`;
    const { json } = await invoke(tour, 'What does a question cost?', { traceparent });
    const { rows } = await tour.outrider(['costs', ...LOCAL, '--trace', traceId], { rows: true });
    tour.same(
      'one row, that of this answer',
      rows.map((row) => row['event_id']),
      [at(json, 'cost_event')],
    );
    const { agent, agent_version, team, trace_id, input_tokens, cost_usd } = rows[0] ?? {};
    tour.same(
      'with agent, version, team and trace filled in, and tokens and price as the agent named them',
      { agent, agent_version, team, trace_id, input_tokens, cost: nanos(cost_usd) },
      {
        agent: 'gist',
        agent_version: '1.0.0',
        team: 'tour',
        trace_id: traceId,
        input_tokens: at(json, 'usage', 'input_tokens'),
        cost: nanos(at(json, 'cost_usd')),
      },
    );
  },
};

const byModel: Step = {
  title: 'Costs by model; the same event twice is one row',
  async run(tour) {
    const { stage, notes, ask, same } = tour;
    const json = {
      model: 'claude-sonnet-4',
      input_tokens: 1024,
      output_tokens: 256,
      cost_usd: 0.0038,
      event_id: randomUUID(),
    };
    const recorded = [202, { status: 'recorded', event_id: json.event_id }];
    for (const which of ['on disk, and only then answered', 'again: answered in the same way']) {
      const { status, json: reply } = await ask({ url: `${stage.gist.helpers}/cost`, json });
      same(which, [status, reply], recorded);
    }
    const { rows } = await tour.outrider(['costs', ...LOCAL, '--group-by', 'model'], { rows: true });
    const sums = Object.fromEntries(
      rows.map((row) => [
        row['key'],
        [row['events'], row['input_tokens'], row['output_tokens'], nanos(row['cost_usd'])],
      ]),
    );
    same('claude-sonnet-4: one event, to the nano-dollar', sums['claude-sonnet-4'], [1, 1024, 256, 3_800_000]);
    const total = (of: (answer: (typeof notes.answers)[number]) => number): number =>
      notes.answers.reduce((sum, answer) => sum + of(answer), 0);
    const said = [
      notes.answers.length,
      total(({ input }) => input),
      total(({ output }) => output),
      total(({ usd }) => nanos(usd)),
    ];
    same(`gist-1: the sums of the ${notes.answers.length} answers of this tour`, sums['gist-1'], said);
  },
};

const audit: Step = {
  title: 'The audit log says which rule acted, and never on what',
  async run({ stage, outrider, same, holds }) {
    const redacted = await outrider(['audit', ...LOCAL, '--type', 'guardrail.redacted'], { rows: true });
    const rules = Object.fromEntries(
      redacted.rows.map((row) => [at(row, 'metadata', 'rule'), at(row, 'metadata', 'count')]),
    );
    const each = { ships: 2, ssn: 1, credit_card: 1, email: 1, 'project-names': 1 };
    same('what five rules redacted, and how often', [redacted.rows.length, rules], [5, each]);
    const blocked = await outrider(['audit', ...LOCAL, '--type', 'guardrail.blocked'], { rows: true });
    same(
      'and one blocked',
      blocked.rows.map((row) => row['resource']),
      ['guardrail/private-keys'],
    );
    const directory = join(stage.ground.directory, 'gist');
    const files = await readdir(directory);
    const bytes = Buffer.concat(await Promise.all(files.map((file) => readFile(join(directory, file)))));
    const found = SECRETS.filter((secret) => bytes.includes(secret));
    holds(
      `none of the matched texts is in the ${bytes.length} bytes of ${files.join(', ')}`,
      bytes.length > 0 && found.length === 0,
      found,
    );
  },
};

const verify: Step = {
  title: 'The audit log is a chain: a row that was changed is named',
  async run({ stage, page, outrider, holds, same }) {
    const whole = await outrider(['audit', 'verify', ...LOCAL]);
    const rows = Number(/(\d+) rows checked/.exec(whole.stdout)?.[1]);
    holds(`intact: ${rows} rows, exit 0`, whole.code === 0 && rows > 5, whole.shown);

    const copy = join(stage.ground.directory, 'copy.db');
    const original = new DatabaseSync(join(stage.ground.directory, 'gist', 'ledger.db'), { readOnly: true });
    original.prepare('VACUUM INTO ?').run(copy);
    original.close();
    const change = "UPDATE audit_log SET actor = 'somebody else' WHERE seq = 3";
    const forged = new DatabaseSync(copy);
    let refusal = '';
    try {
      forged.exec(change);
    } catch (error) {
      refusal = error instanceof Error ? error.message : String(error);
    }
    page.command(`sqlite3 copy.db`, `"${change}"`);
    page.output(refusal);
    holds('the database refuses to change a row', refusal !== '', 'it did not');
    const triggers = forged
      .prepare("SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'audit_log'")
      .all();
    forged.exec(triggers.map(({ name }) => `DROP TRIGGER ${String(name)};`).join(''));
    forged.exec(change);
    forged.close();
    page.command(
      'sqlite3 copy.db',
      ...triggers.map(({ name }, index) => `${index === 0 ? '"' : ''}DROP TRIGGER ${String(name)};`),
      `${change}"`,
    );
    const changed = await outrider(['audit', 'verify', '--database', 'sqlite:copy.db']);
    same('somebody who takes its triggers away is found out: exit 1', changed.code, 1);
    holds('and row 3 is named', /\b3\b/.test(changed.stdout), changed.shown);
  },
};

export const ledger: Step[] = [event, byModel, audit, verify];
