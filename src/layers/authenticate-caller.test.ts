import assert from 'node:assert/strict';
import { test } from 'node:test';
import { keysAndTokens } from '../auth/credentials.ts';
import type { Call } from '../call.ts';
import type { Caller } from '../caller.ts';
import { TokenSet } from '../tokens.ts';
import { authenticateCaller, type Credentials } from './authenticate-caller.ts';

const KEYS = [
  { name: 'ci', token: 'key-of-ci', roles: ['build'] },
  { name: 'boss', token: 'key-of-boss', roles: ['admin'] },
];
const JWT = 'aaa.bbb.ccc';
const known = keysAndTokens(
  () => new TokenSet(KEYS),
  async (token) => ({ principal: `jwt:${token}`, roles: [] }),
);

/** Whom the layer lets in with these fields. */
async function caller(headers: string[], credentials: Credentials | undefined = known): Promise<Caller | undefined> {
  let seen: Caller | undefined;
  const call: Call = { method: 'GET', target: '/', headers, body: null, signal: new AbortController().signal };
  await authenticateCaller(() => credentials)(call, async (patch) => {
    seen = patch.caller;
    assert.equal(patch.principal, patch.caller.principal);
    return { status: 200, headers: [], body: null };
  });
  return seen;
}

const refused = (message: RegExp) => ({ code: 'unauthenticated', message });

test('a key is taken either way, and says who calls in which roles', async () => {
  const ci = { principal: 'ci', roles: ['build'] };
  assert.deepEqual(await caller(['X-API-Key', 'key-of-ci']), ci);
  assert.deepEqual(await caller(['authorization', 'Bearer key-of-ci']), ci);
  assert.deepEqual(await caller(['Authorization', 'bearer  key-of-ci ', 'x-api-key', 'key-of-ci']), ci);
  assert.deepEqual(await caller(['x-api-key', 'key-of-boss']), { principal: 'boss', roles: ['admin'] });
});

test('a JWT is taken as bearer token only', async () => {
  assert.deepEqual(await caller(['authorization', `Bearer ${JWT}`]), { principal: `jwt:${JWT}`, roles: [] });
  await assert.rejects(caller(['x-api-key', JWT]), refused(/valid/));
  const withoutJwt = keysAndTokens(() => new TokenSet(KEYS), undefined);
  await assert.rejects(caller(['authorization', `Bearer ${JWT}`], withoutJwt), refused(/valid/));
});

test('everything else is refused', async () => {
  const cases: [string[], RegExp][] = [
    [[], /required/],
    [['x-api-key', ''], /valid/],
    [['x-api-key', 'key-of-c'], /valid/],
    [['x-api-key', 'key-of-cii'], /valid/],
    [['x-api-key', 'KEY-OF-CI'], /valid/],
    [['x-api-key', 'x'.repeat(100_000)], /valid/],
    [['authorization', 'Bearer '], /valid/],
    [['authorization', 'key-of-ci'], /of the form/],
    [['authorization', 'Basic a2V5LW9mLWNp'], /of the form/],
    [['authorization', ''], /of the form/],
  ];
  for (const [headers, message] of cases)
    await assert.rejects(caller(headers), refused(message), String(headers).slice(0, 80));
});

test('what somebody on the way may have read otherwise is refused', async () => {
  await assert.rejects(caller(['x-api-key', 'key-of-ci', 'X-Api-Key', 'key-of-ci']), refused(/more than one/));
  await assert.rejects(
    caller(['authorization', 'Bearer key-of-ci', 'Authorization', 'Bearer key-of-boss']),
    refused(/more than one/),
  );
  // Both are good, which makes it no better.
  await assert.rejects(caller(['authorization', 'Bearer key-of-ci', 'x-api-key', 'key-of-boss']), refused(/different/));
  await assert.rejects(caller(['authorization', 'Basic x', 'x-api-key', 'key-of-ci']), refused(/of the form/));
});

test('where nothing is asked for, everybody is anonymous, without a role', async () => {
  let asked = 0;
  const call: Call = {
    method: 'GET',
    target: '/',
    headers: ['x-api-key', 'x'],
    body: null,
    signal: new AbortController().signal,
  };
  const reply = await authenticateCaller(() => void asked++)(call, async ({ caller }) => {
    assert.deepEqual(caller, { principal: 'anonymous', roles: [] });
    return { status: 200, headers: [], body: null };
  });
  assert.equal(reply.status, 200);
  assert.equal(asked, 1);
});
