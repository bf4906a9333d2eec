import assert from 'node:assert/strict';
import { test } from 'node:test';
import { getAt } from '../edit.ts';
import type { JsonObject } from '../json.ts';
import { makePlan } from '../make-plan.ts';
import type { Plan } from '../plan.ts';
import { type MovedCommands, moveCommands } from './own-commands.ts';

test('what an agent asks of itself follows it to its port', () => {
  assert.deepEqual(asked(['curl', 'http://localhost:8000/live']), ['curl', 'http://localhost:8081/live']);
  assert.deepEqual(asked(['sh', '-c', 'curl http://$HOST:8000/']), ['sh', '-c', 'curl http://$HOST:8081/']);
  assert.deepEqual(asked(['curl', 'http://model:8000/live']), ['curl', 'http://model:8000/live']);
  assert.deepEqual(asked(['test', '-f', '/tmp/ready']), ['test', '-f', '/tmp/ready']);
  assert.deepEqual(asked(['curl', 'http://localhost:8000/'], { agentPort: 8000 }), ['curl', 'http://localhost:8000/']);
});

test('what it would ask in vain is a fault', () => {
  for (const word of ['-p8000', 'localhost:8080', 'curl $POD_IP:8000', 'curl ${POD_IP}:8000', 'nc `hostname`:8000']) {
    assert.equal(move({ livenessProbe: { exec: { command: ['sh', '-c', word] } } }).faults.length, 1, word);
  }
  const hook = (port: string | number, host?: string): number =>
    move({ lifecycle: { postStart: { httpGet: { port, ...(host !== undefined && { host }) } } } }).faults.length;
  assert.equal(hook('http'), 1);
  assert.equal(hook(8000), 1);
  assert.equal(hook(9464), 0);
  assert.equal(hook(8000, 'registry.example.com'), 0);
});

test('a megabyte of the worst command takes no time to speak of', () => {
  const before = performance.now();
  for (const part of [':8000', '$A:8000', '${A:8000', '$(', '`:8000 '])
    move({ livenessProbe: { exec: { command: [part.repeat(1_000_000 / part.length)] } } });
  assert.ok(performance.now() - before < 20_000);
});

function asked(command: readonly string[], options: Partial<Parameters<typeof makePlan>[1]> = {}): unknown {
  const { container, faults } = move({ livenessProbe: { exec: { command } } }, options);
  assert.deepEqual(faults, []);
  return getAt(container, ['livenessProbe', 'exec', 'command']);
}

function move(data: JsonObject, options: Partial<Parameters<typeof makePlan>[1]> = {}): MovedCommands {
  const plan: Plan | undefined = makePlan(undefined, { version: '1.2.3', ...options });
  assert.ok(plan);
  const at = { document: 0, path: [] };
  const port = { http: { ...at, port: 8000 }, name: 'http', others: [] };
  return moveCommands({ ...at, name: 'agent', index: 0, data }, port, plan);
}
