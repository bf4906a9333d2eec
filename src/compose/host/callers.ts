import { type KeyWithRoles, keysAndTokens } from '../../auth/credentials.ts';
import type { HostAuth } from '../../config/host-auth.ts';
import { watchKeyFile } from '../../config/token-file.ts';
import { OutriderError } from '../../errors.ts';
import type { Credentials } from '../../layers/authenticate-caller.ts';
import type { Log } from '../../log.ts';
import { TokenSet } from '../../tokens.ts';

export interface Callers {
  /** Undefined: nobody has to show anything. */
  readonly credentials: Credentials | undefined;
  close(): Promise<void>;
}

/** Who may call, by the configuration. Rejects when the file of keys cannot be read. */
export async function openCallers(auth: HostAuth, log: Log): Promise<Callers> {
  if (!auth.required) return { credentials: undefined, close: async () => undefined };
  const own = auth.keys.map(({ name, key, roles }): KeyWithRoles => ({ name, token: key.reveal(), roles }));
  let keys = new TokenSet(own);
  const file =
    auth.keysFile === undefined
      ? undefined
      : await watchKeyFile(
          auth.keysFile,
          (further) => {
            // Of two that are the same the last one counts: the configuration's.
            keys = new TokenSet([...further, ...own]);
            log.info('keys file read', { count: further.length });
          },
          (fault) => log.error('the keys file cannot be used; the keys in force stay', { fault }),
        ).catch((error: unknown) => {
          const why = error instanceof Error ? error.message : 'cannot be read';
          throw new OutriderError('bad_request', `keys file ${auth.keysFile}: ${why}`);
        });
  // With what checks tokens come jose and an HTTP client.
  const jwt = auth.jwt && (await (await import('./jwt.ts')).openJwt(auth.jwt, log));
  return {
    credentials: keysAndTokens(() => keys, jwt && ((token) => jwt.verify(token))),
    async close() {
      file?.close();
      await jwt?.close();
    },
  };
}
