import { isPortNumber, portVariable } from '../container-spec.ts';
import type { DeclaredPort } from '../containers.ts';
import { getAt, setAt } from '../edit.ts';
import { isObject, type Json, type JsonObject, type Path } from '../json.ts';
import type { Plan } from '../plan.ts';
import { shown } from '../shown.ts';
import type { Fault, Note } from '../target.ts';
import { type App, type Container, listAt, textOf } from './app.ts';
import { probePorts } from './probes.ts';

const INGRESS: Path = ['properties', 'configuration', 'ingress'];
const DAPR: Path = ['properties', 'configuration', 'dapr'];

/** Where callers reached the agent: by the ingress, else by Dapr, else where its own variable or probes say. */
export function httpPort({ document, root }: App, agent: Container): DeclaredPort | undefined {
  const targetPort = [...INGRESS, 'targetPort'];
  const target = getAt(root, targetPort);
  const byIngress = typeof target === 'number' && target > 0 ? { document, path: targetPort, port: target } : undefined;
  const variable = portVariable(agent.own);
  const told = variable && { document, path: [...agent.path, 'env', variable.index], port: variable.port };
  return byIngress ?? daprPort({ document, root }) ?? told ?? probePorts(agent)[0];
}

/** Ports that somebody besides the sidecar says to listen on. */
export function otherPorts(
  { document, root }: App,
  agent: Container,
  others: readonly Container[],
  http: number | undefined,
): DeclaredPort[] {
  const mapped = mappings(root).flatMap(({ port, path }) => (port === undefined ? [] : [{ document, path, port }]));
  const beside = others.flatMap((container) => {
    const variable = portVariable(container.own);
    const told = variable ? [{ document, path: [...container.path, 'env', variable.index], port: variable.port }] : [];
    return [...told, ...probePorts(container)];
  });
  return [...[...mapped, ...probePorts(agent)].filter(({ port }) => port !== http), ...beside];
}

function mappings(
  root: JsonObject,
): { readonly entry: Json; readonly port: number | undefined; readonly path: Path }[] {
  const at = [...INGRESS, 'additionalPortMappings'];
  return listAt(root, at).map((entry, index) => {
    const port = isObject(entry) ? entry['targetPort'] : undefined;
    return { entry, port: typeof port === 'number' ? port : undefined, path: [...at, index] };
  });
}

/** Where Dapr calls the app. Without `appPort` it calls nobody. */
function daprPort({ document, root }: Pick<App, 'document' | 'root'>): DeclaredPort | undefined {
  const path = [...DAPR, 'appPort'];
  const value = getAt(root, path);
  const port = /^\d{1,5}$/.test(shown(value)) ? Number(value) : 0;
  return isPortNumber(port) ? { document, path, port } : undefined;
}

/** False only where the app says so, in any of YAML's ways: `az` reads those of YAML 1.1. */
function hasDapr(root: JsonObject): boolean {
  const enabled = getAt(root, [...DAPR, 'enabled']);
  return enabled !== false && !/^(?:false|no|off|n)$/i.test(textOf(enabled));
}

/** Ways to the agent that the sidecar cannot stand in. */
export function callerFaults({ document, root }: App): Fault[] {
  const path = [...INGRESS, 'transport'];
  const message = 'the sidecar speaks HTTP: it cannot stand before an agent whose ingress is tcp';
  // Azure takes any case, and prints `Tcp`.
  return textOf(getAt(root, path)).toLowerCase() === 'tcp' ? [{ document, path, message }] : [];
}

/** The app with its ingress and Dapr leading to the sidecar, and what whoever deploys should know of it. */
export function throughSidecar(
  app: App,
  plan: Plan,
  http: number | undefined,
  alone: boolean,
): { readonly root: JsonObject; readonly notes: readonly Note[] } {
  const { document, root } = app;
  const ingress = getAt(root, INGRESS);
  const dapr = getAt(root, DAPR);
  const kept = mappings(root).filter(({ port }) => port === http || !alone);
  const extra = mappings(root)
    .filter(({ port }) => port !== http)
    .map(({ port, path }) => ({ document, path, message: extraMessage(port, alone) }));
  const moved = kept.map(({ entry, port }) =>
    port === http && isObject(entry) ? { ...entry, ...exposure(entry), targetPort: plan.inboundPort } : entry,
  );
  let after: Json = root;
  if (isObject(ingress)) {
    const { additionalPortMappings: _, ...rest } = ingress;
    const mapped = moved.length > 0 ? { additionalPortMappings: moved } : {};
    after = setAt(after, INGRESS, { ...rest, ...mapped, targetPort: plan.inboundPort });
  }
  const calls = daprPort(app);
  const byDapr = calls !== undefined && (calls.port === http || calls.port === plan.inboundPort);
  if (byDapr && isObject(dapr)) after = setAt(after, DAPR, behindDapr(dapr, plan));
  return {
    // Setting what stands below the root leaves the root an object.
    root: after as JsonObject,
    notes: [...extra, ...(calls && hasDapr(root) ? [daprNote(calls, byDapr, http, alone)] : [])],
  };
}

/** A port of Dapr's own was somebody's choice, and pub/sub needs it so: it is said, and left. */
function daprNote({ port, ...at }: DeclaredPort, byDapr: boolean, http: number | undefined, alone: boolean): Note {
  if (byDapr) {
    const message =
      'Dapr calls the sidecar now, which wants its bearer token: callers by service invocation must send it; ' +
      'pub/sub and bindings cannot';
    return { ...at, message };
  }
  const message = alone
    ? `Dapr calls the agent on port ${port}, around the sidecar: set appPort to ${http} where it must not`
    : `where port ${port} is the agent's, Dapr goes around the sidecar: set appPort to ${http} then`;
  return { ...at, message };
}

/** Without one, the exposed port is the target's: it must stay what callers know. */
function exposure(entry: JsonObject): JsonObject {
  return entry['exposedPort'] === undefined ? { exposedPort: entry['targetPort'] ?? null } : {};
}

function behindDapr(dapr: JsonObject, plan: Plan): JsonObject {
  const { appHealth } = dapr;
  const health =
    isObject(appHealth) && appHealth['path'] !== undefined ? { appHealth: { ...appHealth, path: '/ready' } } : {};
  return { ...dapr, ...health, appPort: plan.inboundPort };
}

function extraMessage(port: number | undefined, alone: boolean): string {
  return alone
    ? `port ${port} of the agent is exposed no more: callers could go around the sidecar`
    : `where port ${port} is the agent's, callers go around the sidecar: remove it then`;
}
