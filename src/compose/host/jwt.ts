import { jwtVerifier } from '../../auth/jwt.ts';
import { keySet } from '../../auth/key-set.ts';
import { readBody } from '../../body.ts';
import type { Caller } from '../../caller.ts';
import type { HostAuth } from '../../config/host-auth.ts';
import { OutriderError } from '../../errors.ts';
import type { Log } from '../../log.ts';
import { httpClient } from '../../net/client.ts';

export interface JwtCheck {
  verify(token: string): Promise<Caller>;
  close(): Promise<void>;
}

const MOST_BYTES = 2 ** 20;
const TIMEOUT_MS = 5_000;

/** What checks JWTs, with the keys of their issuer from its address. Redirects are not followed. */
export async function openJwt(options: NonNullable<HostAuth['jwt']>, log: Log): Promise<JwtCheck> {
  const { origin, pathname, search, host } = new URL(options.jwks_url);
  const client = httpClient(origin, {
    name: 'the issuer of tokens',
    connectTimeoutMs: TIMEOUT_MS,
    responseTimeoutMs: TIMEOUT_MS,
    idleTimeoutMs: TIMEOUT_MS,
  });
  const fetch = async (): Promise<unknown> => {
    const reply = await client.send({
      method: 'GET',
      target: pathname + search,
      headers: ['Host', host, 'Accept', 'application/json'],
      body: null,
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const text = Buffer.from(await readBody(reply.body, MOST_BYTES)).toString();
    if (reply.status === 200) return JSON.parse(text) as unknown;
    throw new OutriderError('unreachable', `the issuer of tokens answered ${reply.status}`);
  };
  const verify = jwtVerifier({
    issuer: options.issuer,
    audience: options.audience,
    algorithms: options.algorithms,
    rolesClaim: options.roles_claim,
    clockToleranceMs: options.clock_tolerance,
    keys: keySet({
      fetch,
      onFault: (error) => log.warn("the keys of the tokens' issuer could not be had", { error }),
    }),
  });
  return { verify, close: () => client.close() };
}
