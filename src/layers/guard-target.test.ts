import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { createEngines } from '../guardrails/engine.ts';
import { Tally } from '../guardrails/tally.ts';
import { inspectTarget } from './guard-target.ts';

const ENGINE = createEngines([{ name: 'word', type: 'keyword', pattern: 'h\u00e9ron', action: 'redact' }]).for(
  'request',
);
const MAIL = '%5BREDACTED-EMAIL%5D';

const redacted = (target: string): string => inspectTarget(ENGINE, target, new Tally());

describe('a request target', () => {
  test('is inspected decoded; only what matched becomes something else', () => {
    for (const [target, expected] of [
      ['/', '/'],
      ['*', '*'],
      ['/a/b?c=d&e', '/a/b?c=d&e'],
      ['/a@b.io', `/${MAIL}`],
      ['/x/%61%40%62.io/y%20z', `/x/${MAIL}/y%20z`],
      ['/%2fa@b.io', `/%2f${MAIL}`],
      // A plus is a space in a query only.
      ['/4111+1111+1111+1111', '/4111+1111+1111+1111'],
      ['/?4111+1111+1111+1111', '/?%5BREDACTED-CC%5D'],
      ['/x?a@b.io=1&q=a%40b.io&q=%', `/x?${MAIL}=1&q=${MAIL}&q=%`],
      ['/h%C3%A9ron', '/%5BREDACTED%5D'],
      ['/h\u00c3\u00a9ron?h%c3%a9ron', '/%5BREDACTED%5D?%5BREDACTED%5D'],
      ['/%ff%fea@b.io%80', `/%ff%fe${MAIL}%80`],
      ['/x?', '/x?'],
      ['//a@b.io//?&&=a@b.io&', `//${MAIL}//?&&=${MAIL}&`],
      // Full-width digits.
      [`/${encodeURIComponent('\uff11\uff12\uff13-45-6789')}`, '/%5BREDACTED-SSN%5D'],
    ] as const) {
      assert.equal(redacted(target), expected);
    }
  });

  test('counts, and a rule that blocks leaves nothing to be changed', () => {
    const tally = new Tally();
    inspectTarget(ENGINE, '/a@b.io?x=a@b.io', tally);
    assert.deepEqual(tally.hits, [{ rule: 'email', action: 'redact', count: 2 }]);
    const engine = createEngines([{ name: 'no', type: 'keyword', pattern: 'bomb', action: 'block' }]).for('request');
    const blocked = new Tally();
    inspectTarget(engine, '/a@b.io/%62omb?x=bomb', blocked);
    assert.equal(blocked.blockedBy, 'no');
  });

  test('whatever it holds: without a match it stays, with one the rest of it does', () => {
    const part = fc.string({
      unit: fc.constantFrom('a', '%', '2', '%20', '/', '?', '&', '=', '+', ';', '%c3%a9', '\u00ff'),
    });
    fc.assert(
      fc.property(part, part, (before, after) => {
        assert.equal(redacted(`/${before}${after}`), `/${before}${after}`);
        assert.equal(redacted(`/${before}/a@b.io/${after}`), `/${before}/a@b.io/${after}`.replace('a@b.io', MAIL));
      }),
    );
  });
});
