import { findVariable, indexed, isPortNumber } from '../container-spec.ts';
import { getAt, setAt, without } from '../edit.ts';
import { isEqual } from '../equal.ts';
import { isObject, type Json, type JsonObject, type Path, textOf } from '../json.ts';
import { type Fault, ManifestError } from '../target.ts';

/**
 * Istio's injector, whose name sorts before ours, has the kubelet ask its own agent, in place of a container, at port 15020; what the
 * container's probes asked is in `ISTIO_KUBE_APP_PROBERS` then (istio/istio, `pkg/kube/inject/app_probe.go`):
 * `{"/app-health/agent/livez": {"httpGet": {"path": "/live", "port": 8000}, "timeoutSeconds": 1}}`.
 *
 * The kubelet has no certificate of the mesh, so under STRICT mTLS a probe of its own would not even reach the sidecar: it goes on asking
 * Istio. Istio's agent asks the pod's address, which the agent does not listen on any longer, around its own proxy: of it the sidecar is
 * asked, at its port, and answers for the agent.
 */
const PROXY = 'istio-proxy';
const PROBERS = 'ISTIO_KUBE_APP_PROBERS';
const HANDLERS = ['httpGet', 'tcpSocket', 'grpc'] as const;
const PROBES = { readinessProbe: 'readyz', livenessProbe: 'livez', startupProbe: 'startupz' } as const;

interface Injected {
  readonly pod: JsonObject;
}

/** What `inject` makes of the pod with the probes as they were before Istio, brought back to Istio. Throws `ManifestError`. */
export function behindIstio<T extends Injected>(pod: JsonObject, inject: (pod: JsonObject) => T): T {
  const proxy = findProxy(pod);
  const rewritten = proxy === undefined ? [] : rewrittenProbes(pod);
  if (proxy === undefined || rewritten.length === 0) return inject(pod);
  const faults: Fault[] = rewritten
    .filter(({ name }) => proberAt(proxy.probers, name) === undefined)
    .map(({ path }) => ({ document: 0, path, message: UNKNOWN }));
  if (faults.length > 0) throw new ManifestError(faults);
  const plain = rewritten.reduce((at, { path, name, probe }) => {
    const asked = { ...without(proberAt(proxy.probers, name) ?? {}, 'timeoutSeconds'), ...without(probe, 'httpGet') };
    return changed(at, path, asked);
  }, pod);
  const result = inject(plain);
  return isEqual(result.pod, plain)
    ? { ...result, pod }
    : { ...result, pod: backToIstio(result.pod, proxy, rewritten) };
}

const UNKNOWN = `Istio asks in place of this probe, but ${PROBERS} of ${PROXY} does not say what: make it a command (exec), or inject into the manifest instead (outrider inject --target kubernetes)`;

interface Proxy {
  /** Of the variable's value. */
  readonly path: Path;
  readonly probers: JsonObject;
}

function findProxy(pod: JsonObject): Proxy | undefined {
  for (const list of ['containers', 'initContainers']) {
    for (const { data, index } of indexed(getAt(pod, ['spec', list]))) {
      if (data['name'] !== PROXY) continue;
      const found = findVariable(data, PROBERS);
      const probers = parsed(textOf(found?.entry['value']) ?? '');
      return { path: ['spec', list, index, 'env', found?.index ?? 0, 'value'], probers };
    }
  }
  return undefined;
}

function parsed(text: string): JsonObject {
  try {
    // JSON.parse gives nothing else.
    const value = JSON.parse(text) as Json;
    return isObject(value) ? value : {};
  } catch {
    return {};
  }
}

interface Rewritten {
  /** Where the probe stands in the pod. */
  readonly path: Path;
  /** What Istio calls it: a path of its own. */
  readonly name: string;
  /** As Istio wrote it. */
  readonly probe: JsonObject;
}

function rewrittenProbes(pod: JsonObject): Rewritten[] {
  return indexed(getAt(pod, ['spec', 'containers'])).flatMap(({ data, index }) =>
    Object.entries(PROBES).flatMap(([key, word]) => {
      const probe = data[key];
      const name = `/app-health/${textOf(data['name']) ?? ''}/${word}`;
      if (!isObject(probe) || getAt(probe, ['httpGet', 'path']) !== name) return [];
      return [{ path: ['spec', 'containers', index, key], name, probe }];
    }),
  );
}

/** One that names what it asks. */
function proberAt(probers: JsonObject, name: string): JsonObject | undefined {
  const prober = Object.hasOwn(probers, name) ? probers[name] : undefined;
  const handlers = HANDLERS.filter((handler) => isObject(prober) && isPortNumber(getAt(prober, [handler, 'port'])));
  return isObject(prober) && handlers.length === 1 ? prober : undefined;
}

function backToIstio(pod: JsonObject, { path, probers }: Proxy, rewritten: readonly Rewritten[]): JsonObject {
  let asked = probers;
  let back = pod;
  for (const one of rewritten) {
    const probe = getAt(pod, one.path);
    const handler = HANDLERS.find((key) => isObject(getAt(probe, [key])));
    const action = handler === undefined ? undefined : getAt(probe, [handler]);
    if (handler === undefined || action === undefined) {
      asked = without(asked, one.name);
      continue;
    }
    const timeout = getAt(asked, [one.name, 'timeoutSeconds']);
    asked = { ...asked, [one.name]: { [handler]: action, ...(timeout !== undefined && { timeoutSeconds: timeout }) } };
    back = changed(back, one.path, one.probe);
  }
  return isEqual(asked, probers) ? back : changed(back, pathIn(back, path), JSON.stringify(asked));
}

/** An object stays one. */
function changed(pod: JsonObject, path: Path, to: Json): JsonObject {
  return setAt(pod, path, to) as JsonObject;
}

/** The proxy's place among init containers moves when others are put before it. */
function pathIn(pod: JsonObject, path: Path): Path {
  return findProxy(pod)?.path ?? path;
}
