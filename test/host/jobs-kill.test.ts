import assert from 'node:assert/strict';
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { tempDir } from '../support/temp.ts';
import { until } from '../support/until.ts';

const SCRIPT = fileURLToPath(new URL('./fixtures/job-process.ts', import.meta.url));
const KILLS = 25;
const CLIENTS = 12;

interface Answer {
  n: number;
  answer?: { job_id?: string; status?: string; output?: string; repeated?: boolean; error?: { code: string } };
  /** `gone`: the process ended before it answered. */
  error?: string;
}

/** The process of fixtures/job-process.ts, started again whenever it was killed. */
function victim(t: TestContext, directory: string) {
  const waiting = new Map<number, (answer: Answer) => void>();
  let child: ChildProcessWithoutNullStreams | undefined;
  let last = 0;
  let said = '';

  const start = async (): Promise<void> => {
    const started = spawn(process.execPath, [SCRIPT, directory]);
    started.stderr.on('data', (chunk: Buffer) => {
      said = (said + chunk.toString()).slice(-4_000);
    });
    started.stdin.on('error', () => undefined);
    await new Promise<void>((resolve, reject) => {
      started.once('exit', (code, signal) => reject(new Error(`ended by itself: ${signal ?? code}: ${said}`)));
      createInterface({ input: started.stdout }).on('line', (line) => {
        if (line === 'ready') resolve();
        else {
          const answer = JSON.parse(line) as Answer;
          waiting.get(answer.n)?.(answer);
          waiting.delete(answer.n);
        }
      });
    });
    child = started;
  };
  t.after(() => child?.kill('SIGKILL'));
  return {
    start,
    async kill(): Promise<void> {
      const killed = child;
      if (killed === undefined) return;
      child = undefined;
      const closed = once(killed, 'close');
      killed.kill('SIGKILL');
      await closed;
      for (const [n, tell] of waiting) tell({ n, error: 'gone' });
      waiting.clear();
    },
    ask(order: object): Promise<Answer> {
      const n = ++last;
      return new Promise((resolve) => {
        if (child === undefined) resolve({ n, error: 'gone' });
        else {
          waiting.set(n, resolve);
          child.stdin.write(`${JSON.stringify({ n, ...order })}\n`);
        }
      });
    },
  };
}

test(`jobs and keys through ${KILLS} kills: none lost, none run twice, what was broken off says so`, {
  timeout: 150_000,
}, async (t) => {
  const directory = tempDir(t);
  const host = victim(t, directory);
  await host.start();
  const state = { over: false };
  /** Told that they were accepted. */
  const accepted = new Map<string, { job_id: string; cancelled: boolean }>();
  /** Inputs of calls by key, and what was answered first. */
  const answered = new Map<string, string>();
  const keyed = new Map<string, { input: string; ms: number }>();
  const ended = new Map<string, string>();
  let count = 0;

  const look = async (input: string): Promise<void> => {
    const job_id = accepted.get(input)?.job_id;
    if (job_id === undefined) return;
    const { answer } = await host.ask({ do: 'get', job_id });
    if (answer === undefined || answer.status === 'running') return;
    const now = JSON.stringify(answer);
    assert.equal(ended.get(input) ?? now, now, 'an end stands');
    ended.set(input, now);
  };

  const client = async (): Promise<void> => {
    while (!state.over) {
      const input = `i${count++}`;
      const ms = Math.floor(Math.random() * 60);
      const die = Math.random();
      if (die < 0.3) {
        // Until it is known what became of it, as a careful caller does.
        keyed.set(input, { input, ms });
        for (;;) {
          const { answer, error } = await host.ask({ do: 'once', input, key: `once-${input}`, ms });
          if (answer?.output !== undefined) answered.set(input, answer.output);
          else if (error === 'interrupted') answered.set(input, error);
          else if (error === 'gone' && !state.over) {
            await sleep(20);
            continue;
          } else if (error !== 'gone') assert.fail(`${input}: ${error}`);
          break;
        }
      } else {
        const key = die < 0.6 ? `job-${input}` : undefined;
        for (;;) {
          const { answer, error } = await host.ask({ do: 'start', input, ms, ...(key !== undefined && { key }) });
          if (answer?.job_id !== undefined) accepted.set(input, { job_id: answer.job_id, cancelled: false });
          else assert.equal(error, 'gone');
          // With a key the caller asks again, and again in one of several cases when it has its answer.
          if (key === undefined || state.over || (answer !== undefined && Math.random() < 0.7)) break;
          await sleep(20);
        }
        const job = accepted.get(input);
        if (job !== undefined && Math.random() < 0.2) {
          await sleep(Math.random() * 60);
          const { answer } = await host.ask({ do: 'cancel', job_id: job.job_id });
          job.cancelled = answer?.status === 'cancelled';
        }
      }
      const before = [...accepted.keys()][Math.floor(Math.random() * accepted.size)];
      if (before !== undefined) await look(before);
      await sleep(5);
    }
  };
  const killer = async (): Promise<void> => {
    for (let kills = 0; kills < KILLS; kills++) {
      const before = accepted.size;
      await until(() => accepted.size > before + 5, 'work in progress', 30_000);
      await sleep(Math.random() * 200);
      await host.kill();
      await host.start();
    }
    state.over = true;
  };
  await Promise.all([killer(), ...Array.from({ length: CLIENTS }, client)]);
  await host.kill();
  await host.start();

  await until(
    async () => {
      for (const input of accepted.keys()) if (!ended.has(input)) await look(input);
      return ended.size === accepted.size;
    },
    'the end of every job that was accepted',
    30_000,
    50,
  );
  const calls = readFileSync(`${directory}/calls`, 'utf8').split('\n');
  const times = (line: string): number => calls.filter((call) => call === line).length;
  const outcomes: Record<string, number> = {};
  for (const [input, { cancelled }] of accepted) {
    const job = JSON.parse(ended.get(input) ?? '') as NonNullable<Answer['answer']>;
    const outcome = job.error?.code ?? job.status ?? '';
    outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
    assert.ok(times(`called ${input}`) <= 1, `${input} was run twice`);
    assert.ok(['completed', 'interrupted', 'cancelled'].includes(outcome), `${input}: ${outcome}`);
    if (outcome === 'completed') assert.equal(times(`answered ${input}`), 1, `${input} completed`);
    if (cancelled) assert.equal(outcome, 'cancelled', 'a cancellation that was confirmed stands');
  }
  assert.ok((outcomes['completed'] ?? 0) > 50, JSON.stringify(outcomes));
  assert.ok((outcomes['interrupted'] ?? 0) > 0, JSON.stringify(outcomes));

  let [replayed, broken] = [0, 0];
  for (const [input, first] of answered) {
    const { ms = 0 } = keyed.get(input) ?? {};
    const { answer, error } = await host.ask({ do: 'once', input, key: `once-${input}`, ms });
    assert.equal(answer?.output ?? error, first, 'the first answer, for ever');
    if (answer !== undefined) {
      assert.equal(answer.repeated, true);
      replayed++;
    } else broken++;
    assert.equal(times(`called ${input}`) <= 1, true, `${input} was run twice`);
    if (first !== 'interrupted') assert.equal(times(`answered ${input}`), 1);
  }
  assert.ok(replayed > 20 && broken > 0, `${replayed} replayed, ${broken} interrupted`);
  t.diagnostic(`${JSON.stringify(outcomes)}; by key: ${replayed} answered, ${broken} interrupted`);
  await host.kill();
});
