import type { Json, JsonObject } from './json.ts';
import type { Found } from './sidecar-config-mcp.ts';

export interface DeclaredPeer {
  readonly name: string;
  readonly url: string;
  /** Undefined: the sidecar's default. */
  readonly path?: string;
  readonly tokenEnv?: string;
  /** A token stands in the file; what it is does not come here. */
  readonly tokenWritten: boolean;
}

/** Peers as `outrider.yaml` takes them. `reserved`: variables that others name. */
export function peersConfig(
  peers: readonly DeclaredPeer[],
  reserved: ReadonlySet<string>,
): { config: JsonObject; secrets: readonly string[]; findings: readonly Found[] } {
  const taken = new Set([...reserved, ...peers.flatMap(({ tokenEnv }) => (tokenEnv === undefined ? [] : [tokenEnv]))]);
  const config: Record<string, Json> = {};
  const secrets: string[] = [];
  const findings: Found[] = [];
  for (const { name, url, path, tokenEnv, tokenWritten } of peers) {
    const variable = tokenWritten ? freeVariable(name, taken) : tokenEnv;
    if (variable !== undefined) secrets.push(variable);
    if (tokenWritten) {
      const message = `the token that stands here is not copied: put it into the secret ${variable}, and take it out of the file`;
      findings.push({ path: ['a2a', 'peers', name], message });
    }
    config[name] = {
      url,
      ...(path !== undefined && { path }),
      ...(variable !== undefined && { token_env: variable }),
    };
  }
  return { config, secrets, findings };
}

/** A peer's name may hold characters that a variable's cannot: names that would become the same get a number. */
function freeVariable(peer: string, taken: Set<string>): string {
  const stem = `OUTRIDER_PEER_${peer.toUpperCase().replace(/[^A-Z0-9]/g, '_')}`;
  let variable = `${stem}_TOKEN`;
  for (let count = 2; taken.has(variable); count++) variable = `${stem}_${count}_TOKEN`;
  taken.add(variable);
  return variable;
}
