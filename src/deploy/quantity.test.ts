import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import {
  composeCpu,
  composeMemory,
  ecsCpu,
  kubernetesCpu,
  kubernetesMemory,
  parseCpu,
  parseMemory,
} from './quantity.ts';

test('cores and memory are read in the ways in which people write them', () => {
  const cores: [string | number, number | undefined][] = [
    ['500m', 0.5],
    ['0.5', 0.5],
    [2, 2],
    ['1', 1],
    ['', undefined],
    ['half', undefined],
    ['-1', undefined],
    ['1e3', undefined],
  ];
  for (const [text, expected] of cores) assert.equal(parseCpu(text), expected, String(text));
  const memory: [string | number, number | undefined][] = [
    ['512Mi', 512],
    ['2Gi', 2048],
    ['0.5Gi', 512],
    ['1g', 1024],
    ['256m', 256],
    ['512 mb', 512],
    ['1048576', 1],
    [2_097_152, 2],
    ['1M', 1e6 / 2 ** 20],
    ['1Xi', undefined],
    ['constructor', undefined],
    ['', undefined],
  ];
  for (const [text, expected] of memory) assert.equal(parseMemory(text), expected, String(text));
});

test('they are written in the way of each platform, rounded up', () => {
  assert.equal(kubernetesCpu(0.1), '100m');
  assert.equal(kubernetesCpu(2), '2');
  assert.equal(kubernetesCpu(0.1 + 0.2), '300m');
  assert.equal(kubernetesMemory(512), '512Mi');
  assert.equal(kubernetesMemory(2048), '2Gi');
  assert.equal(kubernetesMemory(511.2), '512Mi');
  assert.equal(composeCpu(0.5), '0.5');
  assert.equal(composeMemory(512), '512m');
  assert.equal(composeMemory(1024), '1g');
  assert.equal(ecsCpu(0.25), 256);
});

test('what is written is read back', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 64_000 }), (milli) => {
      assert.equal(parseCpu(kubernetesCpu(milli / 1000)), milli / 1000);
      assert.equal(parseMemory(kubernetesMemory(milli)), milli);
      assert.equal(parseMemory(composeMemory(milli)), milli);
    }),
  );
});
