import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { ROOT } from './support/process.ts';

const PAGES = globSync(['*.md', 'docs/**/*.md', 'examples/**/*.md'], { cwd: ROOT });

test('every link of the documentation leads somewhere', () => {
  assert.ok(PAGES.length > 10);
  const broken: string[] = [];
  for (const page of PAGES) {
    const text = readFileSync(join(ROOT, page), 'utf8');
    for (const [, target = ''] of text.matchAll(/\]\(([^)\s#]+)(?:#[^)]*)?\)/g)) {
      if (/^[a-z]+:/.test(target)) continue;
      if (!existsSync(join(ROOT, dirname(page), target))) broken.push(`${page}: ${target}`);
    }
  }
  assert.deepEqual(broken, []);
});

test('every file that the documentation names in the source tree is there', () => {
  const missing: string[] = [];
  for (const page of PAGES) {
    for (const [, file = ''] of readFileSync(join(ROOT, page), 'utf8').matchAll(
      /`((?:src|test|bench|scripts|examples|docs|bin)\/[\w./-]+\.\w+)`/g,
    )) {
      if (!existsSync(join(ROOT, file))) missing.push(`${page}: ${file}`);
    }
  }
  assert.deepEqual(missing, []);
});
