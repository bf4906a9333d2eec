import { isLoopback } from '../address.ts';
import { ADMIN_ROLE } from '../caller.ts';
import { readVariable } from './environment.ts';
import type { PathAt } from './host-agents.ts';
import type { HostFile } from './host-schema.ts';
import { fault, namedToken, type Resolution, readToken } from './resolve.ts';
import type { Secret } from './secret.ts';
import { ADMIN_NAME } from './token-file.ts';

export interface HostKey {
  readonly name: string;
  readonly key: Secret;
  readonly roles: readonly string[];
}

/** Who may call a host. */
export interface HostAuth {
  /** From the environment. */
  readonly keys: readonly HostKey[];
  /** Absolute path of a file of further keys; it has not been read. */
  readonly keysFile: string | undefined;
  readonly jwt: HostFile['auth']['jwt'];
  /** False when there is none of these, and every caller is let in. */
  readonly required: boolean;
}

/** Finds the keys that callers must send. Without any, starting takes explicit leave, and a warning each time. */
export function resolveHostAuth(
  { auth, allow_no_auth: allowed }: Partial<HostFile>,
  resolution: Resolution,
  pathAt: PathAt,
): HostAuth {
  const token = readToken('AGENT_AUTH_TOKEN', resolution);
  const keys: HostKey[] = token === undefined ? [] : [{ name: ADMIN_NAME, key: token, roles: [ADMIN_ROLE] }];
  for (const [index, { name, key_env, roles }] of (auth?.keys ?? []).entries()) {
    const path = ['auth', 'keys', index, 'key_env'];
    const key = namedToken(key_env, path, resolution);
    if (key === undefined) continue;
    if (keys.some((other) => other.key.reveal() === key.reveal()))
      fault(resolution, path, 'the same key as another one');
    if (name === ADMIN_NAME && !roles.includes(ADMIN_ROLE)) {
      fault(resolution, ['auth', 'keys', index, 'name'], `this name takes the role ${ADMIN_ROLE}`);
    }
    keys.push({ name, key, roles });
  }
  const required =
    readVariable(resolution.env, 'AGENT_AUTH_TOKEN') !== undefined ||
    (auth !== undefined && (auth.keys.length > 0 || auth.keys_file !== undefined || auth.jwt !== undefined));
  warn(auth?.jwt, resolution);
  if (required && allowed === true) {
    resolution.warnings.push('allow_no_auth has no effect: credentials are configured, and callers must send one');
  } else if (allowed === true) {
    resolution.warnings.push('no credential is configured, and allow_no_auth is set: every caller is let in');
  } else if (!required && auth !== undefined && allowed === false && resolution.complete) {
    const message =
      'no credential for callers: set AGENT_AUTH_TOKEN, or configure keys, a keys file or JWTs under `auth`, or, to let every caller in, OUTRIDER_ALLOW_NO_AUTH=1';
    resolution.faults.push({ file: 'env AGENT_AUTH_TOKEN', path: '', message });
  }
  const keysFile = auth?.keys_file === undefined ? undefined : pathAt(auth.keys_file, 'auth', 'keys_file');
  return { keys, keysFile, jwt: auth?.jwt, required };
}

function warn(jwt: HostFile['auth']['jwt'], { warnings }: Resolution): void {
  if (jwt === undefined) return;
  if (jwt.audience === undefined) {
    warnings.push('auth.jwt.audience is not set: tokens that the issuer made for others are taken too');
  }
  const { protocol, hostname } = new URL(jwt.jwks_url);
  if (protocol === 'http:' && !isLoopback(hostname.replace(/^\[|\]$/g, ''))) {
    warnings.push('auth.jwt.jwks_url has no TLS: whoever is on the way can make tokens');
  }
}
