import type { Json } from '../../../src/deploy/json.ts';
import { makePlan } from '../../../src/deploy/make-plan.ts';
import type { Plan } from '../../../src/deploy/plan.ts';
import type { Outcome, Target } from '../../../src/deploy/target.ts';

export const PLAN: Plan = (() => {
  const plan = makePlan(undefined, { version: '1.2.3' });
  if (plan === undefined) throw new Error('without an agent file there is always a plan');
  return plan;
})();

/** A target that does to data whatever it is told. */
export function changingTarget(
  inject: (documents: readonly Json[], plan: Plan) => readonly Json[],
  notes: Outcome['notes'] = [],
): Target {
  return {
    name: 'kubernetes',
    format: 'yaml',
    inject: (documents, plan) => ({ documents: inject(documents, plan), notes }),
    render: () => [],
  };
}
