import type { DeclaredPort } from '../containers.ts';
import { movePort } from '../health-command.ts';
import { isObject, type JsonObject } from '../json.ts';
import type { Plan } from '../plan.ts';
import type { Note } from '../target.ts';
import { callsIn, LOOPBACK } from './calls.ts';
import { aliasesOf, namesOf } from './others.ts';
import type { Service } from './services.ts';

/** The agent's own check, where it asks the port that the agent had. */
export function movedCheck(own: JsonObject, whole: JsonObject, plan: Plan, http: DeclaredPort | undefined): JsonObject {
  const { healthcheck: check } = whole;
  if (!isObject(check) || http === undefined) return {};
  const test = movePort(check['test'], http.port, plan.agentPort);
  if (test === undefined || JSON.stringify(test) === JSON.stringify(check['test'])) return {};
  const before = own['healthcheck'];
  return { healthcheck: { ...(isObject(before) && before), test } };
}

/** What a check asks, and would not find any more: the agent by a name that is the sidecar's now, or at a port that nothing else names. */
export function checkNotes(agent: Service, plan: Plan, http: DeclaredPort | undefined): Note[] {
  const { healthcheck: check } = agent.whole;
  const test = isObject(check) ? (check['test'] ?? null) : null;
  const path = [...agent.at.path, 'healthcheck', 'test'];
  const byName = callsIn(test, path, { names: [...namesOf(agent), ...aliasesOf(agent)], port: undefined, besides: [] });
  const here = { names: LOOPBACK, port: undefined, besides: [plan.agentPort] };
  const byPort = http === undefined ? callsIn(test, path, here) : [];
  return [
    ...byName.map((call) => ({
      document: agent.at.document,
      path: call.path,
      message: `this asks the agent by a name that is the sidecar's now: have it ask 127.0.0.1:${plan.agentPort}`,
    })),
    ...byPort.map((call) => ({
      document: agent.at.document,
      path: call.path,
      message: `this asks port ${call.called}: if that is where the agent listened, have it ask port ${plan.agentPort}`,
    })),
  ];
}
