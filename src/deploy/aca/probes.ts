import type { DeclaredPort } from '../containers.ts';
import { without } from '../edit.ts';
import { isObject, type Json, type JsonObject } from '../json.ts';
import type { Plan } from '../plan.ts';
import type { Note } from '../target.ts';
import { type Container, listAt, textOf } from './app.ts';

export interface MovedProbes {
  readonly probes: readonly Json[];
  readonly readyPath?: string;
  readonly healthPath?: string;
  readonly notes: readonly Note[];
}

/**
 * Probes come from outside, and find nobody at an agent that listens on loopback: its readiness becomes the sidecar's, and
 * the others ask the sidecar for it. Probes of other ports stay.
 */
export function moveProbes(agent: Container, plan: Plan, http: number | undefined): MovedProbes {
  const all = listAt(agent.own, ['probes']);
  const asking = (type: string) =>
    all.find((probe) => isObject(probe) && isOfType(probe, type) && isOfAgent(probe, http));
  const ready = pathOf(asking('Readiness'));
  const health = pathOf(asking('Liveness')) ?? pathOf(asking('Startup'));
  return {
    probes: all
      .filter((probe) => probe !== asking('Readiness'))
      .map((probe) => (isObject(probe) && isOfAgent(probe, http) ? throughSidecar(probe, plan) : probe)),
    ...(ready !== undefined && { readyPath: ready }),
    ...(health !== undefined && { healthPath: health }),
    notes: all.flatMap((probe, index) => (isObject(probe) && isOfAgent(probe, http) ? lost(probe, agent, index) : [])),
  };
}

export function probePorts({ document, path, own }: Container): DeclaredPort[] {
  return listAt(own, ['probes']).flatMap((probe, index) => {
    const port = isObject(probe) ? portOf(probe) : undefined;
    return port === undefined ? [] : [{ document, path: [...path, 'probes', index], port }];
  });
}

/** What the sidecar, which asks from now on, does not do as this probe did. */
function lost({ type, httpGet }: JsonObject, { document, path }: Container, index: number): Note[] {
  if (!isObject(httpGet)) return [];
  const name = textOf(type) === '' ? 'probe' : `${textOf(type)} probe`;
  const messages = [
    ...(textOf(httpGet['scheme']).toUpperCase() === 'HTTPS'
      ? [
          `the ${name} speaks HTTPS, but the sidecar speaks plain HTTP to the agent, on loopback: switch TLS off in the agent`,
        ]
      : []),
    ...(listAt(httpGet, ['httpHeaders']).length > 0 ? [`the headers of the ${name} are not sent any longer`] : []),
  ];
  return messages.map((message) => ({ document, path: [...path, 'probes', index], message }));
}

/** The service takes any case. */
function isOfType({ type }: JsonObject, wanted: string): boolean {
  return textOf(type).toLowerCase() === wanted.toLowerCase();
}

function isOfAgent(probe: JsonObject, http: number | undefined): boolean {
  return portOf(probe) === http;
}

function portOf({ httpGet, tcpSocket }: JsonObject): number | undefined {
  const asked = isObject(httpGet) ? httpGet : tcpSocket;
  const port = isObject(asked) ? asked['port'] : undefined;
  return typeof port === 'number' ? port : undefined;
}

function pathOf(probe: Json | undefined): string | undefined {
  const asked = isObject(probe) ? probe['httpGet'] : undefined;
  return (isObject(asked) && textOf(asked['path'])) || undefined;
}

function throughSidecar(probe: JsonObject, plan: Plan): JsonObject {
  const type = textOf(probe['type']).toLowerCase();
  const spelt = type.slice(0, 1).toUpperCase() + type.slice(1);
  return {
    ...without(probe, 'tcpSocket'),
    ...(type !== '' && { type: spelt }),
    httpGet: { path: '/health/agent', port: plan.inboundPort },
  };
}
