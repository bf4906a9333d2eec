import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Destination, destinationOf } from './agent-target.ts';

const NOTHING = { scaling: {}, env: {}, secrets: [] };

test('the runtime says the target, and else the cloud', () => {
  const cases: [string | undefined, string | undefined, Destination][] = [
    ['aws', undefined, 'ecs'],
    ['aws', 'ecs-fargate', 'ecs'],
    ['aws', 'app-runner', 'wrap'],
    ['aws', 'EKS', 'kubernetes'],
    ['gcp', 'cloud-run', 'cloudrun'],
    ['gcp', 'gke', 'kubernetes'],
    ['azure', 'container_apps', 'aca'],
    ['kubernetes', 'deployment', 'kubernetes'],
    ['local', undefined, 'local'],
    ['local', 'docker-compose', 'compose'],
    [undefined, 'nomad', 'nomad'],
    ['gcp', 'constructor', 'cloudrun'],
    ['claude-managed', undefined, undefined],
    [undefined, undefined, undefined],
  ];
  for (const [cloud, runtime, expected] of cases) {
    const deploy = { ...NOTHING, ...(cloud !== undefined && { cloud }), ...(runtime !== undefined && { runtime }) };
    assert.equal(destinationOf(deploy), expected, `${cloud} ${runtime}`);
  }
});
