import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { base64url, createLocalJWKSet, exportJWK, exportSPKI, generateKeyPair, type JWTPayload, SignJWT } from 'jose';
import { type JwtOptions, jwtVerifier } from './jwt.ts';

const ISSUER = 'https://login.example/';
const NOW = Date.parse('2026-01-01T00:00:00Z');
const SECONDS = NOW / 1000;

type Pair = Awaited<ReturnType<typeof generateKeyPair>>;

let own: Pair;
let stranger: Pair;
let keys: ReturnType<typeof createLocalJWKSet>;

before(async () => {
  [own, stranger] = await Promise.all([generateKeyPair('ES256'), generateKeyPair('ES256')]);
  keys = createLocalJWKSet({ keys: [{ ...(await exportJWK(own.publicKey)), kid: 'k' }] });
});

function verifier(more: Partial<JwtOptions> = {}): ReturnType<typeof jwtVerifier> {
  return jwtVerifier({
    issuer: ISSUER,
    audience: ['agents'],
    algorithms: ['ES256', 'RS256'],
    rolesClaim: 'roles',
    clockToleranceMs: 60_000,
    keys,
    now: () => new Date(NOW),
    ...more,
  });
}

function sign(claims: JWTPayload = {}, key: CryptoKey = own.privateKey, kid = 'k'): Promise<string> {
  return new SignJWT({ iss: ISSUER, aud: 'agents', sub: 'ada', exp: SECONDS + 300, ...claims })
    .setProtectedHeader({ alg: 'ES256', kid })
    .sign(key);
}

const refused = (message: RegExp) => ({ name: 'OutriderError', code: 'unauthenticated', message });

test('a good token says who calls, and in which roles', async () => {
  const token = await sign({ roles: ['admin', 'lab', 7, ''] });
  assert.deepEqual(await verifier()(token), { principal: 'jwt:ada', roles: ['admin', 'lab'] });
});

test('roles stand where the configuration says', async () => {
  const rolesAt = async (rolesClaim: string, claims: JWTPayload) =>
    (await verifier({ rolesClaim })(await sign(claims))).roles;
  assert.deepEqual(await rolesAt('realm_access.roles', { realm_access: { roles: ['a', 'b'] } }), ['a', 'b']);
  assert.deepEqual(await rolesAt('https://x.example/roles', { 'https://x.example/roles': ['a'] }), ['a']);
  assert.deepEqual(await rolesAt('scope', { scope: 'read write' }), ['read', 'write']);
  for (const roles of [undefined, null, 7, { admin: true }, [['admin']]])
    assert.deepEqual(await rolesAt('roles', { roles }), []);
  assert.deepEqual(await rolesAt('__proto__.roles', {}), []);
  assert.deepEqual(await rolesAt('constructor.name', {}), []);
  assert.equal((await rolesAt('roles', { roles: Array.from({ length: 1_000 }, (_, i) => `r${i}`) })).length, 256);
});

test('time counts, with the tolerance and no more', async () => {
  const verify = verifier();
  await verify(await sign({ exp: SECONDS - 59 }));
  await assert.rejects(verify(await sign({ exp: SECONDS - 61 })), refused(/expired/));
  await verify(await sign({ nbf: SECONDS + 59 }));
  await assert.rejects(verify(await sign({ nbf: SECONDS + 61 })), refused(/not valid yet: do the clocks differ/));
  await verify(await sign({ iat: SECONDS + 59 }));
  await assert.rejects(verify(await sign({ iat: SECONDS + 61 })), refused(/not valid yet: do the clocks differ/));
});

test('clocks that differ by an hour: a fresh token is expired or not valid yet', async () => {
  const token = await sign({ nbf: SECONDS, exp: SECONDS + 300 });
  await verifier()(token);
  await assert.rejects(verifier({ now: () => new Date(NOW + 3_600_000) })(token), refused(/expired/));
  await assert.rejects(verifier({ now: () => new Date(NOW - 3_600_000) })(token), refused(/not valid yet/));
});

test('issuer, audience, subject and end must be there and right', async () => {
  const verify = verifier();
  await assert.rejects(verify(await sign({ iss: 'https://evil.example/' })), refused(/claim iss/));
  await assert.rejects(verify(await sign({ aud: 'others' })), refused(/claim aud/));
  await verify(await sign({ aud: ['others', 'agents'] }));
  await verifier({ audience: undefined })(await sign({ aud: 'others' }));
  for (const name of ['iss', 'aud', 'sub', 'exp']) {
    await assert.rejects(verify(await sign({ [name]: undefined })), refused(new RegExp(`claim ${name}`)));
  }
  for (const sub of ['', 'a\nb', 'x'.repeat(257)])
    await assert.rejects(verify(await sign({ sub })), refused(/names nobody/));
});

test('a signature by somebody else, or over something else, is none', async () => {
  const verify = verifier();
  await assert.rejects(verify(await sign({}, stranger.privateKey)), refused(/not valid/));
  await assert.rejects(verify(await sign({}, own.privateKey, 'other')), refused(/none of its issuer's keys/));
  const [head, , signature] = (await sign()).split('.');
  const forged = base64url.encode(JSON.stringify({ iss: ISSUER, aud: 'agents', sub: 'root', exp: SECONDS + 300 }));
  await assert.rejects(verify(`${head}.${forged}.${signature}`), refused(/not valid/));
});

test('without a signature, or with the public key as a shared secret, a token is none', async () => {
  // As an attacker would: the public key is known to all.
  const secret = new TextEncoder().encode(await exportSPKI(own.publicKey));
  const claims = { iss: ISSUER, aud: 'agents', sub: 'root', exp: SECONDS + 300, roles: ['admin'] };
  const payload = base64url.encode(JSON.stringify(claims));
  const hs256 = await new SignJWT(claims).setProtectedHeader({ alg: 'HS256', kid: 'k' }).sign(secret);
  const none = (alg: string): string => `${base64url.encode(JSON.stringify({ alg, kid: 'k' }))}.${payload}.`;
  const verify = verifier();
  await assert.rejects(verify(hs256), refused(/algorithm/));
  for (const alg of ['none', 'None', 'NONE', '']) await assert.rejects(verify(none(alg)), refused(/./), alg);
  // The key of one algorithm is no key of another.
  const rs256 = `${base64url.encode(JSON.stringify({ alg: 'RS256', kid: 'k' }))}.${payload}.AAAA`;
  await assert.rejects(verify(rs256), refused(/none of its issuer's keys/));
});

test('a refusal repeats nothing of the token', async () => {
  const token = await sign({ iss: 'https://evil.example/secret-marker' });
  const error: unknown = await verifier()(token).catch((thrown: unknown) => thrown);
  assert.ok(error instanceof Error);
  assert.doesNotMatch(error.message, /secret-marker|ey/);
});
