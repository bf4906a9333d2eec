import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { startupTiming } from './startup.ts';

const FOUR_MINUTES = { periodSeconds: 2, timeoutSeconds: 1, failureThreshold: 120 };

test("Cloud Run's default probe becomes short tries over the same four minutes", () => {
  const probe = { tcpSocket: { port: 8080 }, periodSeconds: 240, timeoutSeconds: 240, failureThreshold: 1 };
  assert.deepEqual(startupTiming(probe), { ...FOUR_MINUTES, timeoutSeconds: 2 });
  assert.deepEqual(startupTiming(undefined), FOUR_MINUTES);
});

test('a probe of several tries that asks a question keeps its timing', () => {
  const timing = { initialDelaySeconds: 5, periodSeconds: 5, failureThreshold: 40 };
  assert.deepEqual(startupTiming({ httpGet: { path: '/' }, ...timing }), timing);
  assert.deepEqual(startupTiming({ grpc: {}, periodSeconds: 60 }), { periodSeconds: 60 });
});

test('one try, or a connection alone, becomes tries with the window and the delay that were granted', () => {
  const once = { initialDelaySeconds: 10, periodSeconds: 30, failureThreshold: 1 };
  const tries = { initialDelaySeconds: 10, periodSeconds: 2, timeoutSeconds: 1, failureThreshold: 16 };
  assert.deepEqual(startupTiming({ httpGet: { path: '/' }, ...once }), tries);
  assert.deepEqual(startupTiming({ grpc: {}, ...once }), tries);
  assert.equal(startupTiming({ tcpSocket: {} })['failureThreshold'], 16);
});

test('whatever Cloud Run takes, the window is no shorter, and what comes out is within its limits', () => {
  const taken = fc
    .record({
      handler: fc.constantFrom('tcpSocket', 'httpGet', 'grpc'),
      periodSeconds: fc.integer({ min: 1, max: 240 }),
      timeoutSeconds: fc.integer({ min: 1, max: 240 }),
      failureThreshold: fc.integer({ min: 1, max: 240 }),
    })
    .filter((one) => one.periodSeconds * one.failureThreshold <= 240 && one.timeoutSeconds <= one.periodSeconds);
  fc.assert(
    fc.property(taken, ({ handler, ...timing }) => {
      const { periodSeconds, timeoutSeconds, failureThreshold } = startupTiming({ [handler]: {}, ...timing });
      const [period, timeout, failures] = [periodSeconds, timeoutSeconds, failureThreshold].map(Number);
      const window = Number(period) * Number(failures);
      assert.ok(window >= timing.periodSeconds * timing.failureThreshold && window <= 240);
      assert.ok(Number(failures) > 1 && Number(timeout) <= Number(period));
    }),
  );
});
