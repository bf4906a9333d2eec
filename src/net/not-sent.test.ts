import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OutriderError } from '../errors.ts';
import { markNotSent, wasNotSent } from './not-sent.ts';

function systemError(code: string, syscall: string): Error {
  return Object.assign(new Error(`${syscall} ${code}`), { code, syscall });
}

test('failures to connect prove that nothing was sent, at whatever depth they stand', () => {
  const refused = systemError('ECONNREFUSED', 'connect');
  assert.equal(wasNotSent(refused), true);
  assert.equal(wasNotSent(new OutriderError('unreachable', 'x', { cause: new Error('y', { cause: refused }) })), true);
  assert.equal(wasNotSent(systemError('ENOTFOUND', 'getaddrinfo')), true);
  assert.equal(wasNotSent(systemError('ECONNRESET', 'connect')), true);
  assert.equal(wasNotSent(markNotSent(new OutriderError('unreachable', 'x'))), true);
});

test('nothing else does', () => {
  for (const thrown of [
    undefined,
    'ECONNREFUSED',
    { code: 'ECONNREFUSED' },
    new Error('x'),
    systemError('ECONNRESET', 'read'),
    systemError('EPIPE', 'write'),
    new OutriderError('timeout', 'x', { cause: systemError('ETIMEDOUT', 'read') }),
  ])
    assert.equal(wasNotSent(thrown), false);
  const circle = new Error('x');
  circle.cause = circle;
  assert.equal(wasNotSent(circle), false);
});
