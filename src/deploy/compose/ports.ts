import { type DeclaredPort, plannedPorts } from '../containers.ts';
import type { Json, JsonObject } from '../json.ts';
import type { Plan } from '../plan.ts';
import type { Fault, Note, Place } from '../target.ts';
import { type PortEntry, type Range, readPort } from './port-entry.ts';
import { numberOf, readEnvironment } from './variables.ts';

/** What a service says of its ports, and what of it the sidecar takes. */
export interface Ports {
  /** Where callers reached the agent. */
  readonly http: DeclaredPort | undefined;
  /** Other ports of the agent that are the sidecar's or its own new one. */
  readonly others: readonly DeclaredPort[];
  /** `ports` and `expose` of the sidecar. */
  readonly published: readonly Json[];
  readonly exposed: readonly Json[];
  readonly faults: readonly Fault[];
  readonly notes: readonly Note[];
}

interface Listed {
  readonly entry: PortEntry;
  readonly place: Place;
  readonly inside: Range;
}

/**
 * Only the port that speaks HTTP is published any more. It is, in this order, the one that was chosen with
 * `--agent-port`, the one of `PORT`, the one that its entry calls http or web, the first of `ports`, the first of `expose`.
 */
export function readPorts(service: JsonObject, plan: Plan, at: Place): Ports {
  const faults: Fault[] = [];
  const published = list(service, 'ports', at, faults);
  const exposed = list(service, 'expose', at, faults);
  const variable = numberOf(readEnvironment(service['environment']).get('PORT'));
  const http = httpPort([...published, ...exposed], [plan.agentPortChosen ? plan.agentPort : undefined, variable]) ?? {
    ...at,
    path: [...at.path, 'environment'],
    port: variable,
  };
  const takes = ({ entry, inside }: Listed) => !entry.udp && http.port !== undefined && holds(inside, http.port);
  const to = (listed: Listed) => listed.entry.move(http.port ?? plan.inboundPort, plan.inboundPort);
  return {
    http: isKnown(http) ? http : undefined,
    others: [...published, ...exposed].flatMap((listed) => reserved(plan, listed, http.port)),
    published: published.filter(takes).map(to),
    exposed: unique(exposed.filter(takes).map(() => String(plan.inboundPort))),
    faults,
    notes: published.flatMap((listed) =>
      takes(listed) && http.port !== undefined ? restNotes(listed, http.port) : [droppedNote(listed)],
    ),
  };
}

function list(service: JsonObject, key: 'ports' | 'expose', at: Place, faults: Fault[]): Listed[] {
  const entries = service[key] ?? [];
  const path = [...at.path, key];
  if (!Array.isArray(entries)) {
    faults.push({ ...at, path, message: `${key} must be a list` });
    return [];
  }
  return entries.flatMap((value: Json, index) => {
    const entry = readPort(value);
    const place = { document: at.document, path: [...path, index] };
    if (entry.inside !== undefined) return [{ entry, place, inside: entry.inside }];
    faults.push({ ...place, message: "the container's port is known only when Compose runs: write its number" });
    return [];
  });
}

function httpPort(all: readonly Listed[], hints: readonly (number | undefined)[]): DeclaredPort | undefined {
  const tcp = all.filter(({ entry }) => !entry.udp);
  for (const port of hints) {
    const found = port === undefined ? undefined : tcp.find(({ inside }) => holds(inside, port));
    if (port !== undefined && found !== undefined) return { ...found.place, port };
  }
  const first = tcp.find(({ entry }) => entry.web) ?? tcp[0];
  return first && { ...first.place, port: first.inside.first };
}

function isKnown(port: Place & { readonly port: number | undefined }): port is DeclaredPort {
  return port.port !== undefined;
}

function holds({ first, last }: Range, port: number): boolean {
  return first <= port && port <= last;
}

/** Of a range, only what clashes: it may be long. */
function reserved(plan: Plan, { entry, place, inside }: Listed, http: number | undefined): DeclaredPort[] {
  if (entry.udp) return [];
  return plannedPorts(plan)
    .filter((port) => port !== http && holds(inside, port))
    .map((port) => ({ ...place, port }));
}

function unique(values: readonly Json[]): Json[] {
  return [...new Set(values)];
}

function droppedNote({ place, inside: { first, last } }: Listed): Note {
  const ports = first === last ? `port ${first} of the agent is` : `ports ${first}-${last} of the agent are`;
  return { ...place, message: `${ports} ${NO_MORE}` };
}

/** Of a range, one port is published still. */
function restNotes({ place, inside: { first, last } }: Listed, http: number): Note[] {
  if (first === last) return [];
  return [{ ...place, message: `of ports ${first}-${last} of the agent, all but ${http} are ${NO_MORE}` }];
}

const NO_MORE =
  'published no more: callers could go around the sidecar; where it must be reached, add it to the ports of the service outrider';
