import { isDeepStrictEqual } from 'node:util';
import { type Ran, type RunOptions, runOutrider } from './command.ts';
import { type Answer, type Arrival, type Ask, curl, listen, send } from './http.ts';
import { type Page, shorten } from './page.ts';
import type { Stage } from './stage.ts';
import { orStopped } from './stopped.ts';

/** One thing that the product promises, shown. It has been shown when it made claims and all of them held. */
export interface Step {
  title: string;
  run(tour: Tour): Promise<void>;
}

/** Thrown by a step that cannot be shown on this machine. */
export class Skip extends Error {}

/** What a step works with: everything it does is printed as it is done. */
export interface Tour {
  readonly stage: Stage;
  readonly page: Page;
  readonly notes: Notes;
  /** Prints a request as a curl command, sends it, and prints what came back, or `show` makes of that. */
  readonly ask: (ask: Ask, show?: (answer: Answer) => string) => Promise<Answer>;
  /** The same without a word. */
  readonly quietly: (ask: Ask) => Promise<Answer>;
  /** Prints a request as a curl command and gives the events of its reply as they come. */
  readonly listen: (ask: Ask) => AsyncGenerator<Arrival>;
  /** Runs `outrider …` in the stage's directory and prints it with what it wrote. */
  readonly outrider: (args: readonly string[], options?: RunOptions) => Promise<Ran>;
  /** Claims that something is exactly so. */
  readonly same: (claim: string, actual: unknown, expected: unknown) => void;
  /** Claims that something holds; `saw` is what is printed if it does not. */
  readonly holds: (claim: string, held: boolean, saw: unknown) => void;
}

/** What steps have done, for later steps that check whether the product has counted it. */
export interface Notes {
  /** Replies of the gist sidecar to everything but its open paths, by method and status: `POST 200`. */
  readonly replies: Map<string, number>;
  /** Answers of the gist agent that named a price. */
  readonly answers: { event: unknown; input: number; output: number; usd: number }[];
}

const STEP_TIMEOUT_MS = 40_000;

export interface Tally {
  shown: number;
  skipped: number;
  steps: number;
}

/** Takes the tour, one step after the other whatever they show. Rejects only with the reason of `stopped`. */
export async function takeTour(steps: readonly Step[], stage: Stage, page: Page, stopped: AbortSignal): Promise<Tally> {
  const claims = { held: 0, failed: 0 };
  const tour = tourOf(stage, page, claims);
  const tally = { shown: 0, skipped: 0, steps: steps.length };
  for (const [index, step] of steps.entries()) {
    page.heading(`${index + 1}. ${step.title}`);
    const before = { ...claims };
    try {
      await within(step.run(tour), stopped);
      if (claims.failed > before.failed) continue;
      if (claims.held > before.held) tally.shown++;
      else page.cross('it showed something', 'nothing was claimed');
    } catch (error) {
      stopped.throwIfAborted();
      if (error instanceof Skip) {
        tally.skipped++;
        page.skip(error.message);
      } else page.cross('it could be shown', error instanceof Error ? error.message : String(error));
    }
  }
  return tally;
}

function tourOf(stage: Stage, page: Page, claims: { held: number; failed: number }): Tour {
  const notes: Notes = { replies: new Map(), answers: [] };
  const note = (ask: Ask, status: number): void => {
    const { inbound } = stage.gist;
    if (!ask.url.startsWith(inbound) || /^\/(health|ready|openapi\.json)$/.test(ask.url.slice(inbound.length))) return;
    const key = `${ask.json === undefined ? 'GET' : 'POST'} ${status}`;
    notes.replies.set(key, (notes.replies.get(key) ?? 0) + 1);
  };
  const quietly = async (ask: Ask): Promise<Answer> => {
    const answer = await send(ask);
    note(ask, answer.status);
    return answer;
  };
  const holds: Tour['holds'] = (claim, held, saw) => {
    if (held) {
      claims.held++;
      page.tick(claim);
    } else {
      claims.failed++;
      page.cross(claim, typeof saw === 'string' ? saw : `saw ${json(saw)}`);
    }
  };
  return {
    stage,
    page,
    notes,
    quietly,
    holds,
    async ask(ask, show = ({ status, text }) => shorten(`${status} ${text}`, 270)) {
      page.command(...curl(ask, variables(stage)));
      const answer = await quietly(ask);
      page.output(show(answer), 8);
      return answer;
    },
    async *listen(ask) {
      page.command(...curl({ ...ask, stream: true }, variables(stage)));
      yield* listen(ask);
      note(ask, 200);
    },
    async outrider(args, options = {}) {
      const names = variables(stage);
      page.command(`outrider ${args.map((arg) => (names.has(arg) ? `$${names.get(arg)}` : arg)).join(' ')}`);
      const ran = await runOutrider(stage, args, options);
      if (options.rows === true) page.table(ran.shown, options.lines ?? 12);
      else page.output(ran.shown, 12);
      return ran;
    },
    same(claim, actual, expected) {
      holds(claim, isDeepStrictEqual(actual, expected), `saw ${json(actual)}, not ${json(expected)}`);
    },
  };
}

/** Shell variables by their values, as they are listed at the start of the tour. */
export function variables({ gist, colleague, chat, ledger }: Stage): Map<string, string> {
  return new Map([
    [gist.inbound, 'AGENT'],
    [gist.helpers, 'HELPERS'],
    [colleague.inbound, 'COLLEAGUE'],
    [colleague.helpers, 'COLLEAGUE_HELPERS'],
    [chat.inbound, 'CHAT'],
    [ledger.url, 'LEDGER'],
    [gist.token, 'AUTH'],
    [colleague.token, 'COLLEAGUE_AUTH'],
    [chat.token, 'CHAT_AUTH'],
    [ledger.token, 'OUTRIDER_LEDGER_TOKEN'],
  ]);
}

/** Rejects when a step takes too long or the tour is stopped; what it had begun ends with the stage. */
function within(step: Promise<void>, stopped: AbortSignal): Promise<void> {
  return orStopped(step, AbortSignal.any([AbortSignal.timeout(STEP_TIMEOUT_MS), stopped]));
}

function json(value: unknown): string {
  return shorten(typeof value === 'string' ? value : (JSON.stringify(value) ?? 'nothing'), 400);
}
