import assert from 'node:assert/strict';
import { test } from 'node:test';
import { scrubbedPath } from './scrubbed-path.ts';

const scrub = (text: string): string => text.replaceAll(/\w+@\w+/g, '[X]');

test('personal data goes, percent-encoded or not; a clean path stays as it came', () => {
  for (const [path, expected] of [
    ['/a/b', '/a/b'],
    ['/me@home/x', '/[X]/x'],
    ['/me%40home/x', '/[X]/x'],
    ['/m%65%40%68ome', '/[X]'],
    // One malformed escape does not hide the others.
    ['/me%40home/%zz/%', '/[X]/%zz/%'],
    ['/me%40home/%ff', '/[X]/\ufffd'],
    ['/a%20b/%C3%BC', '/a%20b/%C3%BC'],
    ['/%zz', '/%zz'],
  ] as const) {
    assert.equal(scrubbedPath(path, scrub), expected);
  }
});
