import {
  type App,
  CONTAINERS,
  type Container,
  containersOf,
  findAgent,
  findApp,
  findSidecar,
  listAt,
  textOf,
} from './aca/app.ts';
import { callerFaults, httpPort, otherPorts, throughSidecar } from './aca/ports.ts';
import { moveProbes } from './aca/probes.ts';
import { render } from './aca/render.ts';
import { resourceFaults } from './aca/resources.ts';
import { withSecrets } from './aca/secrets.ts';
import { graceSeconds, mcpContainer, sidecarContainer } from './aca/sidecar.ts';
import { findVariable, tellAgent } from './container-spec.ts';
import { moveAgent, nameClashes, planFaults } from './containers.ts';
import { getAt, setAt, without } from './edit.ts';
import { upgradeMessage } from './found-sidecar.ts';
import type { Json, JsonObject, Path } from './json.ts';
import { agentVariables, DATA_VOLUME, type Plan } from './plan.ts';
import { ManifestError, type Note, type Outcome, type Target } from './target.ts';

/** Azure Container Apps, as of `az containerapp create --yaml`: the ingress leads to the sidecar. */
export const aca: Target = { name: 'aca', format: 'yaml', inject, render };

const TEMPLATE: Path = ['properties', 'template'];

function inject(documents: readonly Json[], plan: Plan): Outcome {
  const app = findApp(documents, plan);
  const containers = containersOf(app);
  const sidecar = findSidecar(containers);
  const { root, notes } = sidecar === undefined ? injectApp(app, containers, plan) : upgrade(app, sidecar, plan);
  return { documents: documents.map((value, index) => (index === app.document ? root : value)), notes };
}

interface Injected {
  readonly root: Json;
  readonly notes: readonly Note[];
}

function injectApp(app: App, containers: readonly Container[], plan: Plan): Injected {
  const { document } = app;
  const agent = findAgent(containers, { document, path: CONTAINERS }, plan);
  const others = containers.filter((container) => container !== agent);
  const http = httpPort(app, agent);
  const moved = moveAgent(plan, {
    http,
    others: otherPorts(app, agent, others, http?.port),
    commands: ['command', 'args'].map((key) => ({ document, path: [...agent.path, key], words: agent.own[key] })),
    readsPort: findVariable(agent.own, 'PORT') !== undefined,
    at: agent,
  });
  const faults = [
    ...planFaults(plan, agent),
    ...nameClashes(plan, containers),
    ...callerFaults(app),
    ...resourceFaults(app, containers, 1 + plan.mcpContainers.length),
    ...moved.faults,
  ];
  if (faults.length > 0) throw new ManifestError(faults.map(({ path, message }) => ({ document, path, message })));
  const probes = moveProbes(agent, plan, http?.port);
  const reached = throughSidecar(app, plan, http?.port, others.length === 0);
  const secrets = withSecrets({ document, root: reached.root }, plan.secrets, plan.secretStore);
  const added = [
    sidecarContainer(plan, textOf(app.root['name']) || agent.name, probes),
    ...plan.mcpContainers.map(mcpContainer),
  ];
  const told: JsonObject = {
    ...without(agent.own, 'probes'),
    env: tellAgent(agent.own['env'], agentVariables(plan)),
    ...(probes.probes.length > 0 && { probes: probes.probes }),
  };
  const all = listAt(app.root, CONTAINERS).map((container, index) => (index === agent.index ? told : container));
  return {
    root: setAt(secrets.root, TEMPLATE, withTemplate(getAt(secrets.root, TEMPLATE), [...all, ...added], plan)),
    notes: [...moved.notes, ...probes.notes, ...reached.notes, ...secrets.notes, ...revisionNotes(app)],
  };
}

function withTemplate(template: Json | undefined, containers: readonly Json[], plan: Plan): Json {
  const volumes = template === undefined ? [] : listAt(template, ['volumes']);
  const there = volumes.some((volume) => getAt(volume, ['name']) === DATA_VOLUME);
  const before = getAt(template, ['terminationGracePeriodSeconds']);
  const grace = graceSeconds(plan);
  return [
    { path: ['containers'], value: containers },
    { path: ['volumes'], value: there ? volumes : [...volumes, { name: DATA_VOLUME, storageType: 'EmptyDir' }] },
    {
      path: ['terminationGracePeriodSeconds'],
      value: typeof before === 'number' && before > grace ? before : grace,
    },
  ].reduce<Json>((after, { path, value }) => setAt(after, path, value), template ?? {});
}

function revisionNotes({ document, root }: App): Note[] {
  const path = [...TEMPLATE, 'revisionSuffix'];
  if (textOf(getAt(root, path)) === '') return [];
  return [{ document, path, message: 'this makes a new revision: its suffix must be one that no revision has yet' }];
}

function upgrade({ document, root }: App, { name, own, path }: Container, plan: Plan): Injected {
  if (own['image'] === plan.image) return { root, notes: [] };
  const place = [...path, 'image'];
  return {
    root: setAt(root, place, plan.image),
    notes: [{ document, path: place, message: upgradeMessage(name, plan.image) }],
  };
}
