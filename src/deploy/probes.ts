import { without } from './edit.ts';
import { isObject, type Json, type JsonObject } from './json.ts';
import type { Note, Place } from './target.ts';

/** An agent's container whose probes ask the sidecar, because the kubelet does not reach the loopback interface of a pod. */
export interface MovedProbes {
  readonly container: JsonObject;
  readonly readyPath?: string;
  readonly healthPath?: string;
  /** How often and how long the agent's own readiness probe asked. */
  readonly readyTiming: JsonObject;
  readonly notes: readonly Note[];
}

export interface ProbeRules {
  readonly at: Place;
  /** Number and name of the port that callers used. */
  readonly port: number | undefined;
  readonly name: string | undefined;
  /** Where the sidecar listens. */
  readonly inboundPort: number;
}

type ProbeName = 'readinessProbe' | 'livenessProbe' | 'startupProbe';
const HANDLERS = ['httpGet', 'tcpSocket', 'grpc'] as const;

/** Readiness goes to the sidecar's `/ready`; liveness and startup ask the sidecar how the agent is. Commands are not its business. */
export function moveProbes(container: JsonObject, rules: ProbeRules): MovedProbes {
  const ready = asked(container, 'readinessProbe', rules);
  const live = asked(container, 'livenessProbe', rules);
  const startup = asked(container, 'startupProbe', rules);
  const healthPath = live?.path ?? startup?.path;
  const moved = [live, startup].filter((one) => one !== undefined);
  const kept = ready?.moves === true ? without(container, 'readinessProbe') : container;
  const changed = moved
    .filter(({ moves }) => moves)
    .map(({ name, probe }) => [name, askSidecar(probe, rules.inboundPort)]);
  const notes = [ready, live, startup].flatMap((one) => one?.notes ?? []);
  if (live?.path !== undefined && startup?.path !== undefined && live.path !== startup.path) {
    const message = `the liveness and startup probes asked for different paths: both ask for ${live.path} now`;
    notes.push({ ...place(rules.at, 'startupProbe'), message });
  }
  return {
    container: { ...kept, ...Object.fromEntries(changed) },
    ...(ready?.path !== undefined && { readyPath: ready.path }),
    ...(healthPath !== undefined && { healthPath }),
    readyTiming: ready?.moves === true ? without(ready.probe, ...HANDLERS) : {},
    notes,
  };
}

interface Asked {
  readonly name: ProbeName;
  readonly probe: JsonObject;
  /** False for a probe that does not ask the port that moves: it stays. */
  readonly moves: boolean;
  readonly path?: string;
  readonly notes: readonly Note[];
}

function asked(container: JsonObject, name: ProbeName, rules: ProbeRules): Asked | undefined {
  const probe = container[name];
  if (!isObject(probe)) return undefined;
  const handler = HANDLERS.find((one) => isObject(probe[one]));
  const action: Json | undefined = handler === undefined ? undefined : probe[handler];
  if (handler === undefined || !isObject(action) || action['host'] !== undefined) return undefined;
  const port = action['port'];
  const at = place(rules.at, name);
  if (port !== undefined && port !== rules.port && port !== rules.name) {
    const message = `the ${name} asks port ${JSON.stringify(port)}, which is not the one behind the sidecar: it stays as it is`;
    return { name, probe, moves: false, notes: [{ ...at, message }] };
  }
  if (handler !== 'httpGet') return { name, probe, moves: true, notes: [] };
  return { name, probe, moves: true, path: pathOf(action), notes: lost(action, at, name) };
}

function pathOf(action: JsonObject): string {
  const path = action['path'];
  return typeof path === 'string' && path !== '' ? path : '/';
}

function lost(action: JsonObject, at: Place, name: ProbeName): Note[] {
  const scheme =
    action['scheme'] === 'HTTPS'
      ? [
          `the ${name} speaks HTTPS, but the sidecar speaks plain HTTP to the agent, on loopback: switch TLS off in the agent`,
        ]
      : [];
  const headers = action['httpHeaders'] === undefined ? [] : [`the headers of the ${name} are not sent any longer`];
  return [...scheme, ...headers].map((message) => ({ ...at, message }));
}

function askSidecar(probe: JsonObject, port: number): JsonObject {
  return { httpGet: { path: '/health/agent', port }, ...without(probe, ...HANDLERS) };
}

function place(at: Place, key: string): Place {
  return { document: at.document, path: [...at.path, key] };
}
