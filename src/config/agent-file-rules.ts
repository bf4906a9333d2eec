import { addressFault } from '../deploy/address-fault.ts';
import { AGENT_PORT, HELPER_PORTS, INBOUND_PORT, RECORD_VARIABLE } from '../deploy/plan.ts';
import { serverName } from './agent-file-causes.ts';
import type { Findings } from './agent-file-findings.ts';
import { unknownGuardrail } from './agent-file-guardrails.ts';
import type { Sound } from './agent-file-sound.ts';
import type { Path } from './faults.ts';
import { SLUG } from './scalars.ts';
import type { Variable } from './variable.ts';
import { VARIABLES } from './variables.ts';

/** What no key can say of itself. Each rule holds for what is right on its own. */
export function checkRules(values: Sound, findings: Findings): void {
  checkGuardrails(values, findings);
  checkServers(values, findings);
  const { framework, runtime, deploy } = values;
  if (framework !== undefined && runtime !== undefined) {
    findings.fault(['framework'], '`framework` and `runtime` exclude each other');
  }
  checkAddresses(values, findings);
  checkVariables(values, findings);
  const agentPort = deploy?.sidecar?.agent_port;
  if (agentPort !== undefined && HELPER_PORTS.includes(agentPort)) {
    findings.fault(['deploy', 'sidecar', 'agent_port'], "this port is the sidecar's");
  }
  const { min = 0, max = Number.POSITIVE_INFINITY } = deploy?.scaling ?? {};
  if (min > max) findings.fault(['deploy', 'scaling', 'min'], 'more than `max`');
}

/** A guardrail that is not there because nobody knows its name would be missed by nobody. */
function checkGuardrails(values: Sound, findings: Findings): void {
  for (const { entry, path } of allGuardrails(values)) {
    const name = typeof entry === 'string' ? entry : nameAlone(entry);
    const unknown = name === undefined ? undefined : unknownGuardrail(name);
    if (unknown !== undefined) findings.fault(path, unknown.message, unknown.meant);
  }
}

function nameAlone(entry: object): string | undefined {
  const alone = 'name' in entry && !('endpoint' in entry) && !('pattern' in entry);
  return alone && typeof entry.name === 'string' ? entry.name : undefined;
}

function allGuardrails({ guardrails, deploy }: Sound) {
  return [
    ...numbered(guardrails).map(({ index, item }) => ({ entry: item, path: ['guardrails', index] })),
    ...numbered(deploy?.sidecar?.guardrails).map(({ index, item }) => ({
      entry: item,
      path: ['deploy', 'sidecar', 'guardrails', index],
    })),
  ];
}

/** What a list holds, with its places, without the holes. */
function numbered<Item>(list: readonly (Item | undefined)[] = []): { index: number; item: Item }[] {
  return list.flatMap((item, index) => (item === undefined ? [] : [{ index, item }]));
}

/** Those that the sidecar's own schema takes, but that would carry a credential into the manifest. */
function checkAddresses(values: Sound, findings: Findings): void {
  const check = (path: Path, address: string | undefined): void => {
    const message = address === undefined ? undefined : addressFault(address);
    if (message !== undefined) findings.fault(path, message);
  };
  for (const [name, { url, path }] of Object.entries(values.a2a?.peers ?? {})) {
    check(['a2a', 'peers', name], `${url}${path}`);
  }
  for (const { entry, path } of allGuardrails(values)) {
    if (typeof entry === 'object' && 'endpoint' in entry) check([...path, 'endpoint'], entry.endpoint);
  }
}

/** The sidecar's variables that are no secrets. */
const TAKEN: ReadonlySet<string> = new Set([
  ...VARIABLES.flatMap((variable) => ('secret' in variable ? [] : namesOf(variable))),
  RECORD_VARIABLE,
  'HOST',
  'PATH',
  'PORT',
]);

const TAKEN_MESSAGE = 'this variable says something else to the sidecar: name another one';

function namesOf({ name, alias }: Variable): string[] {
  return alias === undefined ? [name] : [name, alias];
}

function checkVariables(values: Sound, findings: Findings): void {
  const { a2a, mcp_servers: servers, deploy } = values;
  const named: { token_env?: string | undefined; path: Path }[] = [
    ...Object.entries(a2a?.peers ?? {}).map(([name, peer]) => ({ ...peer, path: ['a2a', 'peers', name] })),
    ...numbered(servers).map(({ index, item }) => ({ token_env: item.token_env, path: ['mcp_servers', index] })),
    ...allGuardrails(values).flatMap(({ entry, path }) =>
      typeof entry === 'object' && 'token_env' in entry ? [{ token_env: entry.token_env, path }] : [],
    ),
  ];
  for (const { token_env: name, path } of named) {
    if (name === undefined || !TAKEN.has(name)) continue;
    findings.fault([...path, 'token_env'], TAKEN_MESSAGE);
  }
  for (const { index, item: name } of numbered(deploy?.sidecar?.secrets)) {
    if (TAKEN.has(name)) findings.fault(['deploy', 'sidecar', 'secrets', index], TAKEN_MESSAGE);
  }
  const { env_vars: vars = {}, secrets } = deploy ?? {};
  for (const { index, item: name } of numbered(secrets)) {
    if (!Object.hasOwn(vars, name)) continue;
    findings.fault(
      ['deploy', 'secrets', index],
      'this variable has a value under `deploy.env_vars` too: leave one out',
    );
  }
}

function checkServers({ mcp_servers: servers, deploy }: Sound, findings: Findings): void {
  const agentPort = deploy?.sidecar?.agent_port ?? AGENT_PORT;
  const names = new Map<string, number>();
  const ports = new Map<number, string>([
    [INBOUND_PORT, "the sidecar's"],
    ...HELPER_PORTS.map((port) => [port, "the sidecar's"] as const),
    [agentPort, "the agent's"],
  ]);
  for (const { index, item: server } of numbered(servers)) {
    const path = ['mcp_servers', index];
    const name = serverName(server);
    const twin = names.get(name ?? '');
    if (name === undefined) findings.fault(path, 'expected `ref` or `name`');
    else if (!SLUG.test(name)) findings.fault(path, 'the last part of `ref` cannot be a name here: give it a `name`');
    else if (twin !== undefined) {
      findings.fault(path, `the same name as mcp_servers[${twin}]: give it a \`name\` of its own`);
    } else names.set(name, index);
    const port = server.image === undefined ? undefined : server.port;
    const owner = port === undefined ? undefined : ports.get(port);
    if (owner !== undefined) findings.fault([...path, 'port'], `this port is ${owner}: give it another one`);
    else if (port !== undefined) ports.set(port, `that of mcp_servers[${index}]`);
    const places = (['url', 'image', 'command'] as const).filter((key) => server[key] !== undefined);
    if (places.length > 1) {
      findings.fault(
        path,
        `${places.map((key) => `\`${key}\``).join(' and ')} exclude each other: they say where it is`,
      );
    }
  }
}
