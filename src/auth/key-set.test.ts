import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { exportJWK, generateKeyPair, type JWK } from 'jose';
import { OutriderError } from '../errors.ts';
import { keySet } from './key-set.ts';

const header = (kid: string) => ({ alg: 'ES256', kid });
const TOKEN = { payload: '', signature: '' };
let jwks: JWK[];

before(async () => {
  jwks = await Promise.all(
    ['a', 'b'].map(async (kid) => ({
      ...(await exportJWK((await generateKeyPair('ES256')).publicKey)),
      kid,
      alg: 'ES256',
    })),
  );
});

/** An issuer whose answers and clock the test sets. */
function issuer(answer: { keys: JWK[] } | Error) {
  const state = { answer: answer as unknown, now: 0, asked: 0, faults: 0 };
  const keys = keySet({
    now: () => state.now,
    onFault: () => void state.faults++,
    async fetch() {
      state.asked++;
      if (state.answer instanceof Error) throw state.answer;
      return state.answer;
    },
  });
  const has = (kid: string): Promise<boolean> =>
    Promise.resolve(keys(header(kid), TOKEN)).then(
      () => true,
      (error: unknown) => {
        if (error instanceof OutriderError) throw error;
        return false;
      },
    );
  return { state, has };
}

test('the issuer is asked once, by however many', async () => {
  const { state, has } = issuer({ keys: jwks });
  assert.deepEqual(await Promise.all(Array.from({ length: 50 }, () => has('a'))), Array(50).fill(true));
  assert.equal(state.asked, 1);
});

test('invented names of keys do not make us hammer the issuer', async () => {
  const { state, has } = issuer({ keys: jwks });
  for (let i = 0; i < 1_000; i++) {
    state.now += 10;
    assert.equal(await has(`invented-${i}`), false);
  }
  // In ten seconds: the first time, and never again before thirty have passed.
  assert.equal(state.asked, 1);
  state.now += 30_000;
  await Promise.all(Array.from({ length: 100 }, (_, i) => has(`more-${i}`)));
  assert.equal(state.asked, 2);
});

test('a key that the issuer has added is found as soon as it may be asked again', async () => {
  const { state, has } = issuer({ keys: jwks.slice(0, 1) });
  assert.equal(await has('a'), true);
  state.answer = { keys: jwks };
  assert.equal(await has('b'), false);
  state.now = 30_000;
  assert.equal(await has('b'), true);
  assert.equal(state.asked, 2);
});

test('keys are asked for again while they are used, and a withdrawn one is gone then', async () => {
  const { state, has } = issuer({ keys: jwks });
  await has('a');
  state.answer = { keys: jwks.slice(1) };
  state.now = 11 * 60_000;
  assert.equal(await has('a'), true);
  await new Promise((resolve) => {
    setImmediate(resolve);
  });
  assert.equal(await has('a'), false);
});

test('an issuer that cannot be reached is 503, asked seldom, and back by itself', async () => {
  const { state, has } = issuer(new Error('down'));
  const refused = { name: 'OutriderError', code: 'not_ready' };
  for (let i = 0; i < 100; i++) {
    state.now += 10;
    await assert.rejects(has('a'), refused);
  }
  assert.equal(state.asked, 1);
  state.now += 5_000;
  state.answer = { keys: jwks };
  assert.equal(await has('a'), true);
});

test('keys that could not be confirmed for an hour are used no more', async () => {
  const { state, has } = issuer({ keys: jwks });
  await has('a');
  state.answer = new Error('down');
  for (state.now = 0; state.now < 59 * 60_000; state.now += 60_000) assert.equal(await has('a'), true);
  state.now = 60 * 60_000 + 1;
  await assert.rejects(has('a'), { code: 'not_ready' });
  assert.ok(state.faults > 0);
});

test('what is no key set is as if it had not come', async () => {
  for (const answer of [null, 'x', {}, { keys: 'x' }, { keys: [1] }]) {
    const { has } = issuer(answer as { keys: JWK[] });
    await assert.rejects(has('a'), { code: 'not_ready' }, JSON.stringify(answer));
  }
});
