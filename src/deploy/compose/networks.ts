import { isObject, type Json, type JsonObject, listOf } from '../json.ts';
import { textOf } from './variables.ts';

/** What belongs to the owner of a network namespace: whoever joins another's may not have it. */
export const NETWORK_KEYS = [
  'hostname',
  'domainname',
  'mac_address',
  'dns',
  'dns_opt',
  'dns_search',
  'extra_hosts',
  'links',
  'external_links',
] as const;

/** These are moved with changes. */
export const MOVED_KEYS: readonly string[] = [...NETWORK_KEYS, 'networks', 'network_mode', 'ports', 'expose'];

/** What the sidecar takes from the agent, so that it is found in the same networks by the same names. */
export function ownedByNetwork(service: JsonObject, names: readonly string[]): JsonObject {
  const moved = NETWORK_KEYS.flatMap((key): [string, Json][] => {
    const value = service[key];
    return value === undefined ? [] : [[key, value]];
  });
  // Docker's own bridge has no names; everything else is a network of Compose's.
  const { network_mode: mode, networks } = service;
  const where: JsonObject = mode === undefined ? { networks: withAliases(networks, names) } : { network_mode: mode };
  return { ...where, ...Object.fromEntries(moved) };
}

function withAliases(networks: Json | undefined, names: readonly string[]): JsonObject {
  const map: JsonObject = Array.isArray(networks)
    ? Object.fromEntries(networks.map((name: Json) => [textOf(name), null]))
    : isObject(networks)
      ? networks
      : {};
  const entries = Object.entries(Object.keys(map).length === 0 ? { default: null } : map);
  return Object.fromEntries(
    entries.map(([name, options]): [string, Json] => {
      const own = isObject(options) ? options : {};
      const aliases = listOf(own['aliases']);
      return [name, { ...own, aliases: [...new Set([...aliases, ...names])] }];
    }),
  );
}
