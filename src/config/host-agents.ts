import type { AgentSettings } from './agent-entry.ts';
import type { HostFile } from './host-schema.ts';
import { namedToken, type Resolution, secrets } from './resolve.ts';
import type { Secret } from './secret.ts';

/** The absolute form of a path that stands at a place of the configuration. */
export type PathAt = (path: string, ...where: PropertyKey[]) => string;

type Entry = HostFile['agents'][string];

/** An agent with its paths, variables and token found. */
export type HostAgentEntry = AgentSettings &
  (
    | { readonly source: 'module'; readonly file: string; readonly remoteId: string }
    | {
        readonly source: 'command';
        readonly command: readonly string[];
        readonly remoteId: string;
        readonly env: Readonly<Record<string, Secret>>;
        readonly cwd: string | undefined;
      }
    | { readonly source: 'url'; readonly url: string; readonly remoteId: string; readonly token: Secret | undefined }
    /** One that a module exports. */
    | { readonly source: 'exported' }
  );

export function resolveHostAgents(
  agents: HostFile['agents'],
  resolution: Resolution,
  pathAt: PathAt,
): ReadonlyMap<string, HostAgentEntry> {
  return new Map(Object.entries(agents).map(([id, entry]) => [id, resolveAgent(id, entry, resolution, pathAt)]));
}

function resolveAgent(id: string, entry: Entry, resolution: Resolution, pathAt: PathAt): HostAgentEntry {
  if ('module' in entry) {
    const { module, remote_id: remoteId = id, ...settings } = entry;
    return { ...settings, source: 'module', file: pathAt(module, 'agents', id, 'module'), remoteId };
  }
  if ('command' in entry) {
    const { command, remote_id: remoteId = id, env, cwd, ...settings } = entry;
    const directory = cwd === undefined ? undefined : pathAt(cwd, 'agents', id, 'cwd');
    return { ...settings, source: 'command', command, remoteId, env: secrets(env), cwd: directory };
  }
  if ('url' in entry) {
    const { url, remote_id: remoteId = id, token_env, ...settings } = entry;
    const token = namedToken(token_env, ['agents', id, 'token_env'], resolution);
    return { ...settings, source: 'url', url, remoteId, token };
  }
  return { ...entry, source: 'exported' };
}
