import { dirname, resolve } from 'node:path';
import { z } from 'zod';
import { agentUrl, EXPECTED_PLACE, pathOrUrl } from './agent-entry.ts';
import { check, resolutionOf } from './check.ts';
import { ConfigError, type Fault, type Origin, type Path } from './faults.ts';
import { type Gathered, gather } from './gather.ts';
import { namedToken } from './resolve.ts';
import { duration, environmentName, slug, timeout } from './scalars.ts';
import type { Secret } from './secret.ts';
import { objectShape } from './shape-tree.ts';
import { traits } from './traits.ts';
import { fromJson } from './written.ts';

/** Which agents a program calls, and where they are: in a module of its own process, or at an address. */

const retry = z.union(
  [
    z.boolean(),
    z.strictObject({
      attempts: z.int().min(1, 'expected a whole number from 1').max(100).optional(),
      first_delay: duration(1, 3_600_000).optional(),
      max_delay: duration(1, 3_600_000).optional(),
    }),
  ],
  { error: 'expected false, or a mapping with `attempts`, `first_delay`, `max_delay`' },
);

/** Kept where they are while an agent moves from an address to a module and back; a module has no use for the last two. */
const common = {
  remote_id: slug.optional(),
  timeout: timeout.optional(),
  token_env: environmentName.optional(),
  retry: retry.optional(),
};

const moduleAgent = z
  .strictObject({ module: z.string().min(1).max(4096), ...common })
  .register(traits, { mark: 'module' });
const remoteAgent = z.strictObject({ url: agentUrl, ...common }).register(traits, { mark: 'url' });

const text = pathOrUrl.pipe(z.union([moduleAgent, remoteAgent], { error: EXPECTED_PLACE }));

const entry = z.union([text, moduleAgent, remoteAgent], {
  error: `${EXPECTED_PLACE}, or a mapping with \`module\` or \`url\``,
});

const schema = z.strictObject({ agents: z.record(slug, entry) });

/** An agent with its path and token found. */
export interface AgentPlace {
  readonly id: string;
  /** What it is called in the module, or at the address. */
  readonly remoteId: string;
  /** Absolute path of a module. */
  readonly module: string | undefined;
  readonly url: string | undefined;
  readonly token: Secret | undefined;
  readonly retry: { attempts?: number; firstDelayMs?: number; maxDelayMs?: number } | false | undefined;
  readonly timeoutMs: number | undefined;
}

export interface AgentsFile {
  readonly agents: readonly AgentPlace[];
  /** A fault that is found later, at the place of an agent. */
  readonly faultAt: (id: string, message: string) => Fault;
}

export interface AgentsFileOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
}

/** Reads a YAML file, or an object of the same form. Throws `ConfigError` with every fault. */
export async function loadAgentsFile(config: string | object, options: AgentsFileOptions): Promise<AgentsFile> {
  const { env, cwd } = options;
  const gathered = typeof config === 'string' ? await gatherFile(config, options) : gatherObject(config);
  const { parsed, known } = check(gathered, schema, objectShape(schema, 'in'), []);
  const resolution = resolutionOf(gathered, env);
  const base = gathered.file === undefined ? cwd : dirname(resolve(cwd, gathered.file));
  const agents = Object.entries(known.agents ?? {}).map(([id, agent]): AgentPlace => {
    const at: Path = ['agents', id, 'token_env'];
    const remote = 'url' in agent;
    return {
      id,
      remoteId: agent.remote_id ?? id,
      module: remote ? undefined : resolve(base, agent.module),
      url: remote ? agent.url : undefined,
      token: remote ? namedToken(agent.token_env, at, resolution) : undefined,
      retry: retryOf(agent.retry),
      timeoutMs: agent.timeout,
    };
  });
  if (parsed === undefined || gathered.faults.length > 0) throw new ConfigError(gathered.faults);
  return {
    agents,
    faultAt: (id, message) => ({ ...resolution.placeOf(['agents', id]), path: `agents.${id}`, message }),
  };
}

function gatherFile(path: string, { env, cwd }: AgentsFileOptions): Promise<Gathered> {
  const program = { variables: [], mergedKeys: new Set<string>(), configVariable: '', defaultFiles: [] };
  return gather({ env, configPath: path }, cwd, program);
}

function gatherObject(config: object): Gathered {
  const at: Origin = { file: 'configuration' };
  const faults: Fault[] = [];
  const root = fromJson(config, at, faults, []);
  if (root.kind !== 'map')
    throw new ConfigError([{ ...at, path: '', message: 'expected a mapping of keys to values' }]);
  return { file: undefined, root, complete: true, faults, warnings: [] };
}

function retryOf(value: z.output<typeof retry> | undefined): AgentPlace['retry'] {
  if (value === undefined || value === true) return undefined;
  if (value === false) return false;
  const { attempts, first_delay: firstDelayMs, max_delay: maxDelayMs } = value;
  return {
    ...(attempts !== undefined && { attempts }),
    ...(firstDelayMs !== undefined && { firstDelayMs }),
    ...(maxDelayMs !== undefined && { maxDelayMs }),
  };
}
