import assert from 'node:assert/strict';
import { test } from 'node:test';
import { getAt } from '../edit.ts';
import type { JsonObject } from '../json.ts';
import { makePlan } from '../make-plan.ts';
import type { Plan } from '../plan.ts';
import { type MovedCommands, moveCommands } from './own-commands.ts';

test('what an agent asks of itself follows it to its port', () => {
  const moved: readonly (readonly [string, string])[] = [
    ['curl http://localhost:8000/live', 'curl http://localhost:8081/live'],
    ['curl http://[::1]:8000', 'curl http://[::1]:8081'],
    ['curl http://$HOST:8000/ && nc -z ${HOST} 8000', 'curl http://$HOST:8081/ && nc -z ${HOST} 8081'],
    ['grpc_health_probe -addr=:8000', 'grpc_health_probe -addr=:8081'],
    ['nc -z 127.0.0.1 8000', 'nc -z 127.0.0.1 8081'],
    ['check --port 8000', 'check --port 8081'],
    ['check --host=localhost -p8000', 'check --host=localhost -p8081'],
  ];
  for (const [before, after] of moved) {
    assert.deepEqual(asked(['sh', '-c', before]), ['sh', '-c', after]);
    assert.deepEqual(asked(before.split(' ')), after.split(' '));
  }
  assert.deepEqual(asked(['curl', 'http://localhost:8000/'], { agentPort: 8000 }), ['curl', 'http://localhost:8000/']);
});

test('what may mean another host, or no port, stays, and is noted where it is the same number', () => {
  for (const [command, notes] of [
    ['curl http://model:8000/live', 1],
    ['until curl -sf vllm:8000/health; do sleep 1; done', 1],
    ['pg_isready -h $DB -p 8000', 1],
    ['wait.py --host vllm --port 8000', 1],
    ['curl -d {"Address":"$POD_ADDRESS","Port":8000} $REGISTRY:8500', 1],
    ['sleep 8000', 1],
    ['nc -z vllm 8080', 0],
    ['curl http://$EUREKA_HOST:8080/deregister', 0],
    ['test -f /tmp/ready8000.5', 0],
  ] as const) {
    for (const data of [probe(command), { lifecycle: { preStop: { exec: { command: ['sh', '-c', command] } } } }]) {
      const found = move(data);
      assert.deepEqual([found.container, found.faults, found.notes.length], [data, [], notes], command);
    }
  }
});

test('what a probe would ask in vain is a fault; a hook may have reasons of its own', () => {
  for (const command of ['curl localhost:8080', 'curl $POD_IP:8000', 'curl ${POD_IP}:8000', 'nc `hostname`:8000']) {
    assert.equal(move(probe(command)).faults.length, 1, command);
    assert.equal(move({ lifecycle: { preStop: { exec: { command: ['sh', '-c', command] } } } }).faults.length, 0);
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

function probe(command: string): JsonObject {
  return { livenessProbe: { exec: { command: ['sh', '-c', command] } } };
}

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
