import { indexed, isPortNumber, portVariable } from './container-spec.ts';
import type { DeclaredPort } from './containers.ts';
import { getAt } from './edit.ts';
import { type Json, type JsonObject, textOf } from './json.ts';
import type { Fault, Place } from './target.ts';
import { isTemplate, RENDER_FIRST } from './template-text.ts';

/** Where callers reach the agent until the sidecar stands before it. */
export interface PublicPort {
  readonly http?: DeclaredPort;
  /** The entry of `ports` that says so. */
  readonly declared?: JsonObject;
  /** Its name there. */
  readonly name?: string;
  /** Other ports that the agent declares. */
  readonly others: readonly (DeclaredPort & { readonly entry: JsonObject })[];
}

/** A number, or the name of a declared port, as Services write `targetPort`. */
export type PortReference = string | number;

const WEB = /^(http|https|web|api|grpc|h2c|http1|http2)(-|$)/;

/**
 * The port that callers use: the only one declared; of several the one that `PORT`, a Service or its name says. With none declared, what
 * `PORT`, a probe or a Service says.
 */
export function findPublicPort(container: JsonObject, at: Place, used: readonly PortReference[]): PublicPort {
  const declared = declaredPorts(container, at);
  const tcp = declared.filter(({ entry }) => (entry['protocol'] ?? 'TCP') === 'TCP');
  const variable = portVariable(container);
  const chosen =
    tcp.length === 1
      ? tcp[0]
      : (tcp.find(({ port }) => port === variable?.port) ??
        tcp.find(({ port, entry }) => used.includes(port) || used.includes(textOf(entry['name']) ?? '')) ??
        tcp.find(({ entry }) => WEB.test(textOf(entry['name']) ?? '')) ??
        tcp[0]);
  if (chosen !== undefined) {
    const { entry, ...http } = chosen;
    const name = entry['name'];
    return {
      http,
      declared: entry,
      ...(typeof name === 'string' && { name }),
      others: declared.filter((one) => one !== chosen),
    };
  }
  const http = undeclaredPort(container, at, used);
  return { ...(http && { http }), others: declared };
}

/** Every port that a container declares. */
export function declaredPorts(container: JsonObject, at: Place): (DeclaredPort & { readonly entry: JsonObject })[] {
  return indexed(container['ports']).flatMap(({ data: entry, index }) => {
    const port = entry['containerPort'];
    return isPortNumber(port) ? [{ port, entry, document: at.document, path: [...at.path, 'ports', index] }] : [];
  });
}

/** Ports that are none: what they are meant to be cannot be told, and the agent would seem to have no port. */
export function portNumberFaults(container: JsonObject, at: Place): Fault[] {
  return indexed(container['ports']).flatMap(({ data: { containerPort }, index }) => {
    if (isPortNumber(containerPort)) return [];
    const template = typeof containerPort === 'string' && isTemplate(containerPort);
    const message = template ? `this port is ${RENDER_FIRST}` : 'containerPort: expected a number, 1 to 65535';
    return [{ document: at.document, path: [...at.path, 'ports', index, 'containerPort'], message }];
  });
}

const PROBES = ['readinessProbe', 'livenessProbe', 'startupProbe'];
const HANDLERS = ['httpGet', 'tcpSocket', 'grpc'];

function undeclaredPort(container: JsonObject, at: Place, used: readonly PortReference[]): DeclaredPort | undefined {
  const variable = portVariable(container);
  if (variable !== undefined) {
    return { port: variable.port, document: at.document, path: [...at.path, 'env', variable.index] };
  }
  const probed = PROBES.flatMap((probe) =>
    HANDLERS.flatMap((handler) => {
      const port: Json | undefined = getAt(container, [probe, handler, 'port']);
      return isPortNumber(port) ? [{ port, document: at.document, path: [...at.path, probe] }] : [];
    }),
  );
  const target = used.find((port) => isPortNumber(port));
  return probed[0] ?? (target === undefined ? undefined : { port: target, ...at });
}
