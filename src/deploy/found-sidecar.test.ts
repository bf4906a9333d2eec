import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openAddressInCommand, portInCommand } from './command.ts';
import { imageRepository, isSidecar } from './found-sidecar.ts';
import { movePort } from './health-command.ts';
import { unpinned } from './image.ts';

test("an image's repository is what stands before tag and digest, without variables", () => {
  const cases: [string, string][] = [
    ['outrider/outrider:1.2.3', 'outrider/outrider'],
    ['registry.example.com:5000/outrider/outrider', 'registry.example.com:5000/outrider/outrider'],
    ['registry.example.com:5000/outrider/outrider:1.2.3', 'registry.example.com:5000/outrider/outrider'],
    ['outrider/outrider:1.2.3@sha256:0123', 'outrider/outrider'],
    ['${REGISTRY:-docker.io/}outrider/outrider:${TAG}', 'outrider/outrider'],
    ['a${b', 'a${b'],
    ['a${b${c}d', 'ad'],
    ['', ''],
  ];
  for (const [image, repository] of cases) assert.equal(imageRepository(image), repository);
  assert.ok(isSidecar('x', '${REGISTRY}/outrider/outrider:${TAG}'));
  assert.ok(!isSidecar('x', 'outrider/outrider/x'));
});

/** What a pod's author writes, an admission webhook reads before anybody has bounded it. */
test('a megabyte of the worst text takes no time to speak of', () => {
  const at = { document: 0, path: [] };
  const readers: readonly ((text: string) => unknown)[] = [
    (text) => isSidecar('agent', text),
    unpinned,
    (words) => portInCommand({ ...at, words }, 8000),
    (words) => openAddressInCommand({ ...at, words }),
    (words) => movePort(words, 8000, 8081),
    (words) => movePort(words, 80, 8081),
  ];
  const parts = [
    '${',
    '${a',
    ':',
    '/',
    '@',
    '=',
    '1',
    '$',
    '//a.',
    '//a:8000',
    ':8000',
    '8000 ',
    '=0.0.0.0:',
    '*:1',
    '[::',
  ];
  for (const part of parts) {
    const text = part.repeat(1_000_000 / part.length);
    for (const read of readers) {
      const before = performance.now();
      for (const one of [text, `${text}/`, `//${text}`, `:${text}\n/`]) read(one);
      // Four megabytes take a tenth of this; work that grows with the square of the length would take hours.
      assert.ok(performance.now() - before < 10_000, `${part} in ${read.toString()}`);
    }
  }
});
