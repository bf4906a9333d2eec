import { indexed, isPortNumber } from '../container-spec.ts';
import { getAt } from '../edit.ts';
import { isEqual } from '../equal.ts';
import { imageRepository, isSidecar } from '../found-sidecar.ts';
import { isObject, type JsonObject, objectsOf, textOf } from '../json.ts';
import {
  DATA_DIR,
  DATA_VOLUME,
  HELPER_PORTS,
  type Plan,
  RECORD_VARIABLE,
  SIDECAR_NAME,
  SIDECAR_PROGRAM,
  sidecarVariables,
} from '../plan.ts';
import { declaredPorts } from '../public-port.ts';
import type { Fault, Place } from '../target.ts';
import { isKnativePod, KNATIVE_VARIABLES } from './knative.ts';
import { isNative } from './native.ts';
import { inside, type PodContext } from './parts.ts';
import { literal } from './sidecar.ts';
import { isUnset, unsoundHardening, unsoundProbes } from './sound-container.ts';

interface Listed extends Place {
  readonly list: 'initContainers' | 'containers';
  readonly data: JsonObject;
}

/**
 * What is wrong with the sidecar that a pod brought along. An admission webhook leaves such a pod alone, so what only looks like a sidecar
 * would switch injection off. Fields that API servers fill in, and that other webhooks add to every container, do not count. Empty where
 * there is no sidecar.
 */
export function soundnessFaults(pod: JsonObject, plan: Plan, context: PodContext): Fault[] {
  const spec = isObject(pod['spec']) ? pod['spec'] : {};
  const knative = isKnativePod(pod);
  const all = containersOf(spec, inside(context.at, 'spec'));
  const sidecars = all.filter(({ data }) => isSidecar(data['name'], data['image']));
  const [sidecar, second] = sidecars;
  if (sidecar === undefined) return [];
  if (second !== undefined) return [fault(second, [], 'there is a sidecar already: leave one, or none')];
  const env = new Map(objectsOf(sidecar.data['env']).map((entry) => [textOf(entry['name']) ?? '', entry]));
  const inbound = portIn(env.get('OUTRIDER_INBOUND_ADDR'), INBOUND);
  return [
    ...programFaults(sidecar, plan, knative),
    ...[
      ...unsoundHardening(sidecar.data, spec['securityContext']),
      ...(inbound === undefined ? [] : unsoundProbes(sidecar.data, inbound, knative)),
    ].map(({ keys, message }) => fault(sidecar, keys, message)),
    ...mountFaults(sidecar),
    ...variableFaults(sidecar, plan, { podsMaySay: context.podsMaySay ?? new Set(), knative }),
    ...portFaults(
      sidecar,
      env,
      all.filter(({ data }) => !knative || data['name'] !== 'queue-proxy'),
    ),
  ];
}

function containersOf(spec: JsonObject, at: Place): Listed[] {
  return (['initContainers', 'containers'] as const).flatMap((list) =>
    indexed(spec[list]).map(({ data, index }) => ({ ...inside(at, list, index), list, data })),
  );
}

function fault(at: Place, keys: readonly (string | number)[], message: string): Fault {
  return { ...inside(at, ...keys), message: `this is not the sidecar that would be injected: ${message}` };
}

/** Docker Hub has several names, and Knative writes the longest. */
function repositoryOf(image: string): string {
  return imageRepository(image).replace(/^((index|registry-1)\.)?docker\.io\//, '');
}

/** Everything that says which program runs, and how. */
function programFaults(sidecar: Listed, plan: Plan, knative: boolean): Fault[] {
  const { data, list } = sidecar;
  const ours = repositoryOf(plan.image);
  const preStop = { exec: { command: [SIDECAR_PROGRAM, 'drain'] } };
  const lifecycle = data['lifecycle'];
  const rules: readonly (readonly [key: string, sound: boolean, message: string])[] = [
    ['name', data['name'] === SIDECAR_NAME, `expected the name ${SIDECAR_NAME}`],
    ['image', repositoryOf(textOf(data['image']) ?? '') === ours, `expected an image of ${ours}`],
    [
      'restartPolicy',
      // Knative has no native sidecars, and puts a hook of its own in.
      knative || (list === 'initContainers' && isNative(data)),
      'expected an init container with restartPolicy Always',
    ],
    ['args', isEqual(data['args'], ['sidecar']), 'expected args ["sidecar"]'],
    ['command', isUnset(data['command']), 'expected no command'],
    ['workingDir', isUnset(data['workingDir']), 'expected no workingDir'],
    ['envFrom', isUnset(data['envFrom']), 'expected no envFrom'],
    [
      'lifecycle',
      isUnset(lifecycle) ||
        isEqual(lifecycle, { preStop }) ||
        isEqual(lifecycle, {}) ||
        (knative && isEqual(lifecycle, { preStop: { httpGet: getAt(lifecycle, ['preStop', 'httpGet']) ?? {} } })),
      'expected no hook but outrider drain',
    ],
  ];
  return rules.flatMap(([key, sound, message]) => (sound ? [] : [fault(sidecar, [key], message)]));
}

/**
 * Where the image has its program, libraries and devices, and where the sidecar looks for its configuration. A path that does not begin
 * with a slash is one from the root, too.
 */
const OWN_PLACES = /^\/*((usr|bin|sbin|lib|lib64|etc|dev|proc|sys|var|var\/lib)(\/+|$)|$)/;
const FREE_PLACES = /^\/*(var\/(run|log|cache|tmp)|etc\/(ssl|pki|podinfo))\/+[^/]/;

function mountFaults(sidecar: Listed): Fault[] {
  return indexed(sidecar.data['volumeMounts']).flatMap(({ data, index }) => {
    const path = textOf(data['mountPath']) ?? '';
    const isData = data['name'] === DATA_VOLUME && path === DATA_DIR && isUnset(data['subPath'] ?? data['subPathExpr']);
    const isFree = data['name'] !== DATA_VOLUME && !/(^|\/)\.\.?(\/|$)/.test(path);
    if (isData || (isFree && (FREE_PLACES.test(path) || !OWN_PLACES.test(path)))) return [];
    return [fault(sidecar, ['volumeMounts', index], `nothing else can be mounted at ${path}`)];
  });
}

/** Other webhooks add these to every container of a pod; the sidecar reads none of them. */
const OF_OTHERS = /^(AWS|AZURE|GOOGLE|DD|KUBERNETES)_/;
/** Never a token that a configuration names: they change how a program runs, or are settings of the sidecar's own. */
const NO_TOKEN = /^(NODE_|LD_|SSL_|UV_|OTEL_|OUTRIDER|AGENT|HTTPS?_PROXY$|ALL_PROXY$|NO_PROXY$|PATH$|HOME$)/i;

/** What a pod can say only where the platform lets it, by annotation. */
const OF_PLATFORM: Readonly<Record<string, readonly [annotation: string, value: (plan: Plan) => string | undefined]>> =
  {
    OUTRIDER_CONFIG_YAML: ['config', ({ config }) => config],
    OUTRIDER_LEDGER_URL: ['ledger-url', ({ ledgerUrl }) => ledgerUrl],
    OTEL_EXPORTER_OTLP_ENDPOINT: ['otel-endpoint', ({ otelEndpoint }) => otelEndpoint],
  };

function variableFaults(
  sidecar: Listed,
  plan: Plan,
  { podsMaySay, knative }: { readonly podsMaySay: ReadonlySet<string>; readonly knative: boolean },
): Fault[] {
  const entries = indexed(sidecar.data['env']);
  const text = (name: string): string =>
    entries.map(({ data }) => (data['name'] === name ? (textOf(data['value']) ?? '') : '')).join('');
  const plain = plainNames(plan);
  const secrets = secretNames(plan, text('OUTRIDER_CONFIG_YAML'));
  const seen = new Set<string>();
  const faults = entries.flatMap(({ data, index }) => {
    const name = textOf(data['name']) ?? '';
    const wrong = (message: string): Fault[] => [fault(sidecar, ['env', index], message)];
    // Of two with one name the last counts.
    if (seen.has(name)) return wrong(`${name} is there twice`);
    seen.add(name);
    if (plain.has(name)) return isUnset(data['valueFrom']) ? [] : wrong(`${name} is expected as a value`);
    if (secrets.has(name)) return isReference(data) ? [] : wrong(`${name} is expected from a Secret (secretKeyRef)`);
    if (knative && KNATIVE_VARIABLES.has(name)) {
      // The helpers ask callers for no token.
      const isHelper = name.startsWith('OUTRIDER_');
      const isLocal = /^127\.0\.0\.1:\d{1,5}$/.test(textOf(data['value']) ?? '');
      return !isHelper || isLocal ? [] : wrong(`${name} is expected on 127.0.0.1`);
    }
    return OF_OTHERS.test(name) ? [] : wrong(`the variable ${name.slice(0, 100)} is not one of injection`);
  });
  const platform = Object.entries(OF_PLATFORM).flatMap(([name, [annotation, valueOf]]) => {
    const value = valueOf(plan);
    if (podsMaySay.has(annotation) || text(name) === (value === undefined ? '' : literal(value))) return [];
    return [fault(sidecar, ['env'], `${name} is not what the platform says, and it does not let pods say this`)];
  });
  const missing = seen.has('AGENT_AUTH_TOKEN') ? [] : [fault(sidecar, ['env'], 'AGENT_AUTH_TOKEN is missing')];
  return [...faults, ...platform, ...missing];
}

/** Every variable that injection may write as a value. */
function plainNames(plan: Plan): ReadonlySet<string> {
  const whole: Plan = {
    ...plan,
    agentVersion: '',
    team: '',
    otelEndpoint: '',
    ledgerUrl: '',
    config: '',
    record: '',
    secrets: [],
  };
  const facts = { fallbackName: '', readyPath: '', healthPath: '', drainDelaySeconds: 0, agentStartSeconds: 0 };
  return new Set([...sidecarVariables(whole, facts).map(({ name }) => name), RECORD_VARIABLE]);
}

function secretNames(plan: Plan, config: string): ReadonlySet<string> {
  const named = [...config.matchAll(/token_env["']?\s*:\s*["']?([A-Za-z_]\w*)/g)].map(([, name = '']) => name);
  return new Set([
    ...plan.secrets,
    'AGENT_AUTH_TOKEN',
    'OUTRIDER_LEDGER_TOKEN',
    'OUTRIDER_GUARD_HASH_KEY',
    ...named.filter((name) => !NO_TOKEN.test(name) || /^OUTRIDER_PEER_\w+_TOKEN$/.test(name)),
  ]);
}

function isReference(entry: JsonObject): boolean {
  const from = entry['valueFrom'];
  const [key, ...others] = Object.keys(Object(from));
  const reference: unknown = Object(from).secretKeyRef;
  // An optional one that is not there leaves the variable out.
  const optional: unknown = Object(reference).optional;
  return isUnset(entry['value']) && key === 'secretKeyRef' && others.length === 0 && optional !== true;
}

const INBOUND = /^:(\d{1,5})$/;

/** Callers reach the sidecar at its own port, and the agent at none. */
function portFaults(sidecar: Listed, env: ReadonlyMap<string, JsonObject>, all: readonly Listed[]): Fault[] {
  const agentPort = portIn(env.get('OUTRIDER_AGENT_URL'), /^http:\/\/127\.0\.0\.1:(\d{1,5})$/);
  const inbound = portIn(env.get('OUTRIDER_INBOUND_ADDR'), INBOUND);
  if (agentPort === undefined || agentPort === inbound || HELPER_PORTS.includes(agentPort))
    return [fault(sidecar, ['env'], 'expected OUTRIDER_AGENT_URL http://127.0.0.1:PORT, with a port of the agent')];
  if (inbound === undefined || HELPER_PORTS.includes(inbound))
    return [fault(sidecar, ['env'], 'expected OUTRIDER_INBOUND_ADDR :PORT, with a port of its own')];
  const taken = new Map([
    [agentPort, "the agent's, behind the sidecar"],
    [inbound, "the sidecar's (callers)"],
  ]);
  const own = declaredPorts(sidecar.data, sidecar);
  return [
    ...(own.some(({ port }) => port === inbound) ? [] : [fault(sidecar, ['ports'], `expected port ${inbound}`)]),
    ...own
      .filter(({ port }) => port !== inbound)
      .map((one) => fault(one, [], `port ${one.port} is not one that it listens on`)),
    ...all
      .filter((one) => one !== sidecar)
      .flatMap((one) => declaredPorts(one.data, one))
      .flatMap(({ port, document, path }) => {
        const owner = taken.get(port) ?? (HELPER_PORTS.includes(port) ? "the sidecar's (helpers)" : undefined);
        return owner === undefined
          ? []
          : [{ document, path, message: `port ${port} is ${owner}: declare another one` }];
      }),
  ];
}

function portIn(entry: JsonObject | undefined, form: RegExp): number | undefined {
  const port = Number(form.exec(textOf(entry?.['value']) ?? '')?.[1] ?? Number.NaN);
  return isPortNumber(port) ? port : undefined;
}
