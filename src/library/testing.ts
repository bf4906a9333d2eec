// The package's `outrider/agent/testing`: cases that every adapter of an agent passes, for any test runner.
import { endingCases } from './conformance/ending-cases.ts';
import { failureCases } from './conformance/failure-cases.ts';
import { streamCases } from './conformance/stream-cases.ts';
import type { Case, Feature, Subject } from './conformance/subject.ts';
import { unaryCases } from './conformance/unary-cases.ts';

export { conformanceAgents } from './conformance/agents.ts';
export type { Feature, Subject } from './conformance/subject.ts';

export interface ConformanceOptions {
  /** Hosts `conformanceAgents` and gives the adapter that reaches them. Called once, before the first case. */
  setup(): Subject | Promise<Subject>;
  /** Called once, after the last case. */
  teardown?(): void | Promise<void>;
  /** Cases that are left out, by what they need. */
  without?: readonly Feature[];
}

/** Of a test runner: `node:test`, Vitest and Jest have these, the last two with `after` called `afterAll`. */
export interface Runner {
  test(name: string, run: () => Promise<void>): unknown;
  after(run: () => Promise<void>): unknown;
}

export interface ConformanceCase {
  readonly name: string;
  /** Rejects with an `AssertionError` when the subject does not conform. */
  readonly run: (subject: Subject) => Promise<void>;
}

/** The cases, for whoever runs them in another way. */
export function conformanceCases(without: readonly Feature[] = []): readonly ConformanceCase[] {
  const all: readonly Case[] = [...unaryCases, ...streamCases, ...failureCases, ...endingCases];
  return all.filter(({ feature }) => feature === undefined || !without.includes(feature));
}

/**
 * Registers all cases with a test runner.
 *
 * ```ts
 * import { after, test } from 'node:test';
 * import { agentConformance } from 'outrider/agent/testing';
 *
 * // `myAdapter` reaches the agent of this id on a host that has `conformanceAgents`.
 * agentConformance({ test, after }, 'my adapter', {
 *   setup: () => ({ agent: (id) => myAdapter(id) }),
 *   without: ['idempotency'],
 * });
 * ```
 */
export function agentConformance(runner: Runner, name: string, options: ConformanceOptions): void {
  let subject: Promise<Subject> | undefined;
  for (const { name: of, run } of conformanceCases(options.without)) {
    runner.test(`${name}: ${of}`, async () => {
      subject ??= Promise.resolve(options.setup());
      await run(await subject);
    });
  }
  runner.after(async () => {
    if (subject !== undefined) await options.teardown?.();
  });
}
