import { isObject, type Json, type JsonObject, objectsOf, textOf } from '../json.ts';
import type { Plan } from '../plan.ts';
import type { Note } from '../target.ts';

/** What comes in through App Mesh's proxy is for the sidecar's port, not for the agent's. */
export function mesh({ proxyConfiguration: proxy }: JsonObject, from: number | undefined, plan: Plan): JsonObject {
  if (!isObject(proxy) || from === undefined) return {};
  const { properties } = proxy;
  const ports = (value: Json | undefined) =>
    (textOf(value) ?? '').split(',').map((port) => (port.trim() === String(from) ? String(plan.inboundPort) : port));
  const moved = objectsOf(properties).map((property) =>
    property['name'] === 'AppPorts' ? { ...property, value: ports(property['value']).join(',') } : property,
  );
  return { proxyConfiguration: { ...proxy, properties: moved } };
}

export function meshNote({ proxyConfiguration: proxy }: JsonObject, from: number | undefined, plan: Plan): Note[] {
  if (!isObject(proxy) || from === undefined || from === plan.inboundPort) return [];
  const message = `the listener of the mesh's virtual node must be changed from port ${from} to ${plan.inboundPort}`;
  return [{ document: 0, path: ['proxyConfiguration'], message }];
}
