import { randomBytes } from 'node:crypto';
import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Ask, at } from '../http.ts';
import type { Step, Tour } from '../tour.ts';
import { until } from '../until.ts';

const rotate: Step = {
  title: 'Tokens are rotated without a restart',
  async run(tour) {
    const { stage, page, quietly, same } = tour;
    const { gist, ground } = stage;
    const started = await startTime(tour);
    const [old, fresh] = [gist.token, randomBytes(12).toString('hex')];
    const asked = (token: string): Promise<number> =>
      quietly({ url: `${gist.inbound}/stats`, token }).then(({ status }) => status);
    same('the new token is not known yet', [await asked(old), await asked(fresh)], [200, 401]);
    page.command('echo "tour $NEW_TOKEN" > tokens.new && mv tokens.new tokens.txt');
    await writeFile(join(ground.directory, 'tokens.new'), `tour ${fresh}\n`);
    await rename(join(ground.directory, 'tokens.new'), join(ground.directory, 'tokens.txt'));
    const begun = performance.now();
    await until('the new token taken', async () => (await asked(fresh)) === 200);
    page.output(`the new token is taken after ${Math.round(performance.now() - begun)} ms`);
    page.command('AUTH="Authorization: Bearer $NEW_TOKEN"');
    gist.token = fresh;
    same('the old one is refused', await asked(old), 401);
    same('by the same process as before', await startTime(tour), started);
  },
};

async function startTime({ stage, quietly }: Tour): Promise<string | undefined> {
  const { text } = await quietly({ url: `${stage.gist.helpers}/metrics` });
  return /^process_start_time_seconds (\S+)$/m.exec(text)?.[1];
}

const metrics: Step = {
  title: 'Metrics count what this tour did',
  async run({ stage, notes, ask, same }) {
    const url = `${stage.gist.helpers}/metrics`;
    const shown = /^outrider_(requests_total\{surface="inbound"|guard_hits|upstream_errors|spans_total)/;
    const { text } = await ask({ url }, (answer) =>
      answer.text
        .split('\n')
        .filter((line) => shown.test(line))
        .slice(0, 16)
        .join('\n'),
    );
    const samples = (pattern: RegExp): Map<string, number> =>
      new Map(
        [...text.matchAll(pattern)].map(([, ...groups]) => [groups.slice(0, -1).join(' '), Number(groups.at(-1))]),
      );
    const requests = samples(/^outrider_requests_total\{surface="inbound",method="(\w+)",status="(\d+)"\} (\d+)$/gm);
    same('every request, by method and status', sorted(requests), sorted(notes.replies));
    const hits = samples(/^outrider_guard_hits_total\{rule="([\w-]+)",action="(\w+)",surface="request"\} (\d+)$/gm);
    const expected = {
      'credit_card redact': 1,
      'email redact': 1,
      'private-keys block': 1,
      'project-names redact': 1,
      'ssn redact': 1,
    };
    same('every guardrail that acted', sorted(hits), Object.entries(expected));
  },
};

function sorted(map: ReadonlyMap<string, number>): [string, number][] {
  return [...map].sort(([a], [b]) => (a < b ? -1 : 1));
}

const FAULTY = `agent_name: gist
guardrials: []
guardrails:
  - name: ssn
    type: regexp
    pattern: '(\\d{3}'
drain_timeout: 25 sec
mcp_servers:
  files: { transport: stdio, comand: npx }
`;

/** Where the faults of `FAULTY` are, and what the check should say about each. */
const FAULTS: [place: string, says: RegExp][] = [
  ['2:1', /guardrials.*did you mean guardrails\?/],
  ['5:11', /type.*did you mean regex\?/],
  ['7:16', /drain_timeout.*duration/],
  ['9:10', /command: required/],
  ['9:30', /comand.*did you mean command\?/],
];

const check: Step = {
  title: 'A faulty configuration is told where and why, all at once',
  async run({ stage, page, outrider, same }) {
    await writeFile(join(stage.ground.directory, 'faulty.yaml'), FAULTY);
    page.command('cat -n faulty.yaml');
    const lines = FAULTY.trimEnd().split('\n');
    page.output(lines.map((line, index) => `${String(index + 1).padStart(2)}  ${line}`).join('\n'), lines.length);
    const env = { AGENT_AUTH_TOKEN: 'x' };
    const faulty = await outrider(['config', 'check', '--config', 'faulty.yaml'], { env });
    same('exit 1', faulty.code, 1);
    const told = faulty.stderr.trimEnd().split('\n');
    const missed = FAULTS.filter(
      ([place, says]) => !told.some((line) => line.startsWith(`faulty.yaml:${place}: `) && says.test(line)),
    );
    same(
      'every fault with its line, its column and what was probably meant',
      [told.length, missed.map(String)],
      [FAULTS.length, []],
    );
    const good = await outrider(['config', 'check', '--config', 'gist.yaml'], {
      env: { ...env, AGENT_NAME: 'gist', COLLEAGUE_TOKEN: 'x' },
    });
    same('a good one: exit 0', good.code, 0);
  },
};

const PAUSE_MS = 120;
const TOLD_AFTER = 4;

const drain: Step = {
  title: 'SIGTERM in mid-stream: what is in flight is finished, then everything ends',
  async run(tour) {
    const { stage, page, listen, ask, quietly, outrider, same, holds } = tour;
    const { gist } = stage;
    const json = {
      input: 'Whoever is being answered is answered to the end; nobody new is let in.',
      delay_ms: PAUSE_MS,
    };
    const question: Ask = { url: `${gist.inbound}/stream`, token: gist.token, json };
    const words: string[] = [];
    let [done, event]: unknown[] = [];
    let refused: Promise<void> | undefined;
    for await (const { event: kind, data } of listen(question)) {
      if (kind === 'token') words.push(String(at(data, 'text')));
      else [done, event] = [at(data, 'output'), at(data, 'cost_event')];
      if (words.length !== TOLD_AFTER || refused !== undefined) continue;
      page.output(words.join(''));
      page.command(`kill -TERM ${gist.process.pid}   # outrider run`);
      gist.process.signal('SIGTERM');
      refused = (async () => {
        // A connection that is opened in the very instant of the signal may be cut as an idle one.
        const status = (): Promise<number> =>
          quietly({ url: `${gist.inbound}/ready` }).then(
            ({ status }) => status,
            () => 0,
          );
        await until('not ready', async () => (await status()) === 503, 5_000);
        const ready = await ask({ url: `${gist.inbound}/ready` });
        same('from now on it is not ready', [ready.status, at(ready.json, 'code')], [503, 'draining']);
        const late = await quietly({ ...question, url: `${gist.inbound}/invoke` });
        same('and takes nothing new: 503', [late.status, late.headers.connection], [503, 'close']);
      })();
      // Awaited below; a failure before that is no unhandled one.
      refused.catch(() => undefined);
    }
    await refused;
    page.output(words.slice(TOLD_AFTER).join(''));
    same(`the stream came to its end, ${words.length - TOLD_AFTER} tokens later`, words.join(''), done);
    const patience = AbortSignal.timeout(10_000);
    const late = new Promise((resolve) => patience.addEventListener('abort', () => resolve('still running')));
    same('exit 0', await Promise.race([gist.process.exited, late]), { code: 0, signal: null });
    const gone = await quietly({ url: gist.agent }).then(
      ({ status }) => `it answers ${status}`,
      (error: unknown) => at(error, 'code'),
    );
    same('the agent has ended too', gone, 'ECONNREFUSED');
    const { rows } = await outrider(['costs', '--data-dir', 'gist', '--limit', '1'], { rows: true });
    holds('the cost of the last answer is on disk', typeof event === 'string' && rows[0]?.['event_id'] === event, rows);
  },
};

export const operations: Step[] = [rotate, metrics, check, drain];
