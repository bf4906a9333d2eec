import { addressFault } from './address-fault.ts';
import { isObject, type JsonObject } from './json.ts';
import type { Plan } from './plan.ts';
import { type Fault, ManifestError } from './target.ts';

/** What a pod says of its own sidecar, in annotations. */
export interface PodSettings {
  readonly plan: Plan;
  readonly warnings: readonly string[];
}

const PREFIX = 'outrider.dev/';

const URL_EXPECTED = 'an http:// or https:// URL without credentials';

type Setting = (text: string) => Partial<Plan> | undefined;

/** By annotation, without the prefix: what it changes in the plan; undefined for a value that it cannot have. The image is the platform's to choose. */
const SETTINGS: ReadonlyMap<string, { readonly expected: string; readonly read: Setting }> = new Map([
  [
    'agent-name',
    {
      expected: 'a lower-case name',
      read: (text) => (/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(text) ? { agentName: text } : undefined),
    },
  ],
  ['agent-version', { expected: 'a version', read: short((agentVersion) => ({ agentVersion })) }],
  ['team', { expected: 'a name', read: short((team) => ({ team })) }],
  ['container', { expected: "a container's name", read: short((container) => ({ container })) }],
  [
    'agent-port',
    {
      expected: 'a port',
      read(text) {
        const agentPort = wholeNumber(text, 65_535);
        return agentPort === undefined || agentPort === 0 ? undefined : { agentPort, agentPortChosen: true };
      },
    },
  ],
  [
    'drain-timeout',
    {
      expected: 'seconds, 0 to 3600',
      read(text) {
        const drainSeconds = wholeNumber(text.replace(/s$/, ''), 3_600);
        return drainSeconds === undefined ? undefined : { drainSeconds };
      },
    },
  ],
  ['secret', { expected: "a Secret's name", read: short((secretStore) => ({ secretStore })) }],
  ['otel-endpoint', { expected: URL_EXPECTED, read: url((otelEndpoint) => ({ otelEndpoint })) }],
  ['ledger-url', { expected: URL_EXPECTED, read: url((ledgerUrl) => ({ ledgerUrl })) }],
  [
    'config',
    {
      expected: 'at most 64 KiB',
      read: (text) => (text.length <= 65_536 && text !== '' ? { config: text } : undefined),
    },
  ],
]);

/** Annotations that change what guards a pod and where its records go: the platform's, unless it lets pods have them. */
export const PLATFORM_ANNOTATIONS = ['config', 'ledger-url', 'otel-endpoint'] as const;
const PLATFORMS: ReadonlySet<string> = new Set(PLATFORM_ANNOTATIONS);

/** Made by this webhook, not for it. */
const OURS: ReadonlySet<string> = new Set(['injected']);

/** Said all the same: without a word of it, a sidecar reads a file, and whose volumes a pod mounts is the pod's to say. */
export const NO_CONFIG = '{}';

/** The plan for a pod. `allowed`: those of `PLATFORM_ANNOTATIONS` that pods may have. Throws `ManifestError` with every annotation that cannot be used. */
export function podSettings(metadata: JsonObject, plan: Plan, allowed: ReadonlySet<string>): PodSettings {
  const annotations = isObject(metadata['annotations']) ? metadata['annotations'] : {};
  const faults: Fault[] = [];
  const warnings: string[] = [];
  const changes: Partial<Plan>[] = [];
  for (const [annotation, value] of Object.entries(annotations)) {
    if (!annotation.startsWith(PREFIX) || typeof value !== 'string') continue;
    const name = annotation.slice(PREFIX.length);
    const setting = SETTINGS.get(name);
    if (setting === undefined) {
      if (!OURS.has(name))
        warnings.push(`the annotation ${annotation} is not read; there are ${[...SETTINGS.keys()].join(', ')}`);
      continue;
    }
    const path = ['metadata', 'annotations', annotation];
    if (PLATFORMS.has(name) && !allowed.has(name)) {
      faults.push({ document: 0, path, message: 'the platform does not let pods say this' });
      continue;
    }
    const patch = setting.read(value);
    if (patch === undefined) faults.push({ document: 0, path, message: `expected ${setting.expected}` });
    else changes.push(patch);
  }
  if (faults.length > 0) throw new ManifestError(faults);
  const changed: Plan = Object.assign({}, plan, ...changes);
  const lacksToken = changed.ledgerUrl !== undefined && !changed.secrets.includes('OUTRIDER_LEDGER_TOKEN');
  const secrets = lacksToken ? [...changed.secrets, 'OUTRIDER_LEDGER_TOKEN'] : changed.secrets;
  return { plan: { ...changed, config: changed.config ?? NO_CONFIG, secrets }, warnings };
}

function short(patch: (text: string) => Partial<Plan>): Setting {
  return (text) => (/^[\x21-\x7e]([\x20-\x7e]{0,126}[\x21-\x7e])?$/.test(text) ? patch(text) : undefined);
}

function url(patch: (text: string) => Partial<Plan>): Setting {
  return (text) => {
    // What stands in a pod is read by everybody who can read pods: no credentials.
    return /^https?:\/\//.test(text) && addressFault(text) === undefined ? patch(text) : undefined;
  };
}

function wholeNumber(text: string, most: number): number | undefined {
  return /^\d{1,5}$/.test(text) && Number(text) <= most ? Number(text) : undefined;
}
