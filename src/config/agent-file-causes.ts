import type { Cause } from '../deploy/agent-spec.ts';
import type { Environment } from '../environment.ts';
import type { AgentFileValues } from './agent-file-schema.ts';
import { isSwitchedOff, readVariable } from './environment.ts';
import { formatPath, type Path } from './faults.ts';
import { find, placeOfKey, type Written, type WrittenMap } from './written.ts';

/** What asks for a sidecar, in the order of the format. A list or mapping without content asks for nothing. */
export function causesOf(values: AgentFileValues, root: WrittenMap): Cause[] {
  const causes: Cause[] = [];
  const add = (path: Path, why: string): void => {
    causes.push({ path: formatPath(path), line: placeOfKey(root, path).line ?? 0, why });
  };
  if ((values.guardrails ?? []).length > 0) add(['guardrails'], 'guardrails are declared');
  if ((values.deploy?.sidecar?.guardrails ?? []).length > 0) {
    add(['deploy', 'sidecar', 'guardrails'], 'guardrails are declared');
  }
  const servers = new Set((values.mcp_servers ?? []).flatMap((server) => serverName(server) ?? []));
  for (const [index, { ref, type }] of (values.tools ?? []).entries()) {
    const kind = type?.toLowerCase();
    if (kind === 'mcp') add(['tools', index, 'type'], 'the tool is an MCP server');
    else if (kind === 'a2a') add(['tools', index, 'type'], 'the tool is an A2A peer');
    else if (ref === undefined) continue;
    else if (namesProtocol(ref, 'mcp') || servers.has(lastPart(ref))) {
      add(['tools', index, 'ref'], 'the tool names an MCP server');
    } else if (namesProtocol(ref, 'a2a')) add(['tools', index, 'ref'], 'the tool names an A2A peer');
  }
  if ((values.mcp_servers ?? []).length > 0) add(['mcp_servers'], 'MCP servers are declared');
  if (hasContent(find(root, ['a2a']))) add(['a2a'], 'A2A is declared');
  return causes;
}

/** Where it is said that there is to be no sidecar. The environment is asked first: it is what whoever deploys says now. */
export function switchedOff(values: AgentFileValues, root: WrittenMap, env: Environment): Cause | undefined {
  if (isSwitchedOff(env)) {
    const variable = readVariable(env, 'OUTRIDER')?.at.file.replace(/^env /, '') ?? 'OUTRIDER';
    return { path: variable, line: 0, why: `the environment variable ${variable} says that there is to be none` };
  }
  if (values.deploy?.sidecar?.enabled !== false) return undefined;
  const path = ['deploy', 'sidecar', 'enabled'];
  return { path: formatPath(path), line: placeOfKey(root, path).line ?? 0, why: 'the sidecar is switched off' };
}

/** What an MCP server is called at `/mcp/NAME`: its name, else the last part of `ref`. */
export function serverName({ name, ref }: { name?: string | undefined; ref?: string | undefined }): string | undefined {
  return name ?? (ref === undefined ? undefined : lastPart(ref));
}

/** `zendesk` of `acme/mcp/zendesk@1.2.0`. */
function lastPart(ref: string): string {
  return withoutVersion(ref).split('/').at(-1) ?? '';
}

function withoutVersion(ref: string): string {
  return ref.replace(/[@:][^/]*$/, '');
}

/** A part of the path is the protocol's name, or begins or ends with it: `mcp/zendesk`, `mcp-servers/zendesk`, `tools/zendesk-mcp`. */
export function namesProtocol(ref: string, protocol: string): boolean {
  return withoutVersion(ref)
    .toLowerCase()
    .split('/')
    .some((part) => part === protocol || part.startsWith(`${protocol}-`) || part.endsWith(`-${protocol}`));
}

function hasContent(written: Written | undefined): boolean {
  if (written?.kind === 'scalar') return written.value !== null;
  const inner =
    written?.kind === 'list' ? written.items : [...(written?.entries.values() ?? [])].map(({ value }) => value);
  return inner.some((value) => hasContent(value));
}
