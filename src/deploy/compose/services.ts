import { chooseAgent } from '../choose-agent.ts';
import { describeManifest, isIncludeAlone } from '../describe-manifest.ts';
import { isSidecar } from '../found-sidecar.ts';
import { isObject, type Json, type JsonObject } from '../json.ts';
import type { Plan } from '../plan.ts';
import { type Fault, ManifestError, MOST_FAULTS, type Place } from '../target.ts';
import { MOVED_KEYS } from './networks.ts';
import { readEnvironment } from './variables.ts';

/** A service, with what it inherits by `extends` within its file. */
export interface Service {
  readonly name: string;
  readonly at: Place;
  /** As written. */
  readonly own: JsonObject;
  /** As it counts. */
  readonly whole: JsonObject;
  readonly faults: readonly Fault[];
}

/** The file's services, and which document they stand in. Throws `ManifestError` where it is no Compose file. */
export function servicesOf(documents: readonly Json[]): { readonly document: number; readonly services: JsonObject } {
  const filled = [...documents.entries()].filter(([, value]) => value !== null);
  const [[document, first] = [0, null], second] = filled;
  const services = isObject(first) ? first['services'] : undefined;
  if (!isObject(services)) throw new ManifestError([noServices(document, first)]);
  if (second === undefined) return { document, services };
  const message = 'Compose merges the documents of a file: inject into the one that `docker compose config` prints';
  throw new ManifestError([{ document: second[0], path: [], message }]);
}

function noServices(document: number, first: Json): Fault {
  if (isObject(first) && isIncludeAlone(first)) {
    const message =
      'this file has no services of its own, only those that it includes: inject into the one that has the agent, ' +
      'or into what `docker compose config` prints';
    return { document, path: ['include'], message };
  }
  const found = describeManifest(first);
  return {
    document,
    path: [],
    message: `this is ${found}: the target compose takes a Compose file, which has services`,
  };
}

/** The name of a sidecar that somebody put there. */
export function findSidecar(services: JsonObject): string | undefined {
  return Object.entries(services).find(([name, value]) => isObject(value) && isSidecar(name, value['image']))?.[0];
}

/** The agent's service. Throws `ManifestError` where none is it, or several could be. */
export function findAgent(document: number, services: JsonObject, plan: Plan): Service {
  // `!reset null` takes a service out of a file that comes before; without its tag it reads so.
  const odd = Object.keys(services).filter((name) => !isObject(services[name]) && services[name] !== 'null');
  if (odd.length > 0) {
    const faults = odd.map((name) => ({ document, path: ['services', name], message: 'a service must be a mapping' }));
    throw new ManifestError(faults.slice(0, MOST_FAULTS));
  }
  const candidates = Object.entries(services).flatMap(([name, own]) =>
    isObject(own) && own['provider'] === undefined
      ? [{ name, own, document, path: ['services', name] as (string | number)[] }]
      : [],
  );
  const { name, own, path } = chooseAgent(candidates, {
    at: { document, path: ['services'] },
    what: 'service',
    option: '--workload',
    chosen: plan.workload ?? plan.container,
    agentName: plan.agentName,
  });
  const at = { document, path };
  return { name, at, own, ...inherit(document, services, own, at) };
}

/** Which service of the same file this one extends; null where it is one of another file. */
export function extended(service: JsonObject): string | null | undefined {
  const { extends: base } = service;
  if (base === undefined || typeof base === 'string') return base;
  if (!isObject(base) || base['file'] !== undefined || typeof base['service'] !== 'string') return null;
  return base['service'];
}

function inherit(
  document: number,
  services: JsonObject,
  own: JsonObject,
  at: Place,
  seen: readonly string[] = [],
): { readonly whole: JsonObject; readonly faults: readonly Fault[] } {
  const name = extended(own);
  if (name === undefined) return { whole: own, faults: [] };
  const base = name === null || seen.includes(name) ? undefined : services[name];
  if (name === null || !isObject(base)) {
    const message = 'what this extends is not at hand: inject into what `docker compose config` prints';
    return { whole: own, faults: [{ ...at, path: [...at.path, 'extends'], message }] };
  }
  const place = { document, path: ['services', name] };
  const above = inherit(document, services, base, place, [...seen, name]);
  const forbidden = MOVED_KEYS.filter((key) => base[key] !== undefined).map((key) => ({
    document,
    path: [...place.path, key],
    message:
      `the agent extends this service, and gets ${key} from it, which Compose refuses beside the network_mode that it needs: ` +
      'move it, or inject into what `docker compose config` prints',
  }));
  const { environment, healthcheck, deploy } = above.whole;
  const whole = {
    ...above.whole,
    ...own,
    ...both('healthcheck', healthcheck, own['healthcheck']),
    ...both('deploy', deploy, own['deploy']),
    ...(environment !== undefined && { environment: bothEnvironments(environment, own['environment']) }),
  };
  return { whole, faults: [...above.faults, ...forbidden] };
}

/** By name, as Compose has it. */
function bothEnvironments(base: Json, own: Json | undefined): Json {
  if (own === undefined || (!isObject(own) && !Array.isArray(own))) return own ?? base;
  return Object.fromEntries([...readEnvironment(base), ...readEnvironment(own)]);
}

function both(key: string, base: Json | undefined, own: Json | undefined): JsonObject {
  return isObject(base) && isObject(own) ? { [key]: { ...base, ...own } } : {};
}
