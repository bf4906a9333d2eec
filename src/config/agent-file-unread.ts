import { type Fault, formatPath, type Path } from './faults.ts';
import { textOf } from './settle.ts';
import { fieldsOf, type Shape } from './shape-tree.ts';
import { nearest } from './suggest.ts';
import type { Written, WrittenMap } from './written.ts';

/** A key that nobody reads. */
export interface Unread {
  readonly fault: Fault;
  /** It looks like one that is read. */
  readonly near: boolean;
}

/** Other tools have keys of their own here, so that only what looks like one of ours is told. Elsewhere every key is. */
const OPEN: ReadonlySet<string> = new Set(['', 'deploy', 'model', 'runtime', 'tools[]']);

/** Keys of the format that are left alone, near as they may be to one of ours. */
const FOREIGN: ReadonlySet<string> = new Set([
  'access',
  'claude_managed',
  'claude_sdk',
  'crewai',
  'description',
  'entrypoint',
  'gateway',
  'gateways',
  'google_adk',
  'identity',
  'knowledge_bases',
  'memory',
  'prompts',
  'spec_version',
  'subagents',
  'tags',
  'type',
]);

/** What others call it, or where else it is looked for: by the place, and the key in lower case without `-` and `_`. */
const ELSEWHERE: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  '': {
    a2apeers: 'a2a.peers',
    agentname: 'name',
    agentport: 'deploy.sidecar.agent_port',
    cloud: 'deploy.cloud',
    costtracking: 'deploy.sidecar.cost_tracking',
    env: 'deploy.env_vars',
    envvars: 'deploy.env_vars',
    environment: 'deploy.env_vars',
    mcp: 'mcp_servers',
    peers: 'a2a.peers',
    region: 'deploy.region',
    resources: 'deploy.resources',
    scaling: 'deploy.scaling',
    secrets: 'deploy.secrets',
    sidecar: 'deploy.sidecar',
  },
  deploy: {
    cpu: 'deploy.resources.cpu',
    env: 'env_vars',
    environment: 'env_vars',
    memory: 'deploy.resources.memory',
    agentport: 'deploy.sidecar.agent_port',
    guardrails: 'deploy.sidecar.guardrails',
    otelendpoint: 'deploy.sidecar.otel_endpoint',
  },
  'deploy.sidecar': { port: 'agent_port', otlpendpoint: 'otel_endpoint', disabled: 'enabled: false' },
};

/** The keys that nobody reads in what was written, in order. Each stands once, however often an alias repeats it. */
export function unreadKeys(root: WrittenMap, shape: Shape): Unread[] {
  const found: Unread[] = [];
  const seen = new Set<Written>();

  const visit = (written: Written, here: Shape | undefined, path: Path, place: string): void => {
    if (here === undefined || seen.has(written)) return;
    seen.add(written);
    if (written.kind === 'list' && here.kind === 'list') {
      for (const [index, item] of written.items.entries()) visit(item, here.item, [...path, index], `${place}[]`);
    }
    if (written.kind !== 'map') return;
    const fields = fieldsOf(here, (key) => textOf(written, key));
    for (const [key, { key: at, value }] of written.entries) {
      const field = fields.get(key);
      if (field !== undefined) visit(value, field.shape, [...path, key], place === '' ? key : `${place}.${key}`);
      else if (here.kind !== 'record') {
        // Whoever leaves out `peers` has the peers themselves there.
        const peer = place === 'a2a' && value.kind === 'scalar' && /:\/\//.test(String(value.value));
        const suggestion = peer ? 'a2a.peers' : suggest(key, place, fields.keys());
        if (suggestion === undefined && OPEN.has(place)) continue;
        const fault = {
          ...at,
          path: formatPath([...path, key]),
          message: 'not read',
          ...(suggestion && { suggestion }),
        };
        found.push({ fault, near: suggestion !== undefined });
      }
    }
  };

  visit(root, shape, [], '');
  return found;
}

function suggest(key: string, place: string, keys: Iterable<string>): string | undefined {
  if (OPEN.has(place) && FOREIGN.has(key) && !(place === 'deploy' && key === 'memory')) return undefined;
  const folded = key.toLowerCase().replace(/[-_]/g, '');
  const elsewhere = ELSEWHERE[place];
  if (elsewhere !== undefined && Object.hasOwn(elsewhere, folded)) return elsewhere[folded];
  return nearest(key, keys);
}
