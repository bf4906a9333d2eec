import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readSections } from './golden-file.ts';

const BLOCK = /(<!-- golden (\S+) (\S+) -->\n+```\w*\n)(.*?)(\n```)/gs;

/**
 * Every block of a target's page that a comment `<!-- golden CASE SECTION -->` stands before equals that section. `UPDATE_GOLDEN=1` writes the
 * blocks anew.
 */
export function assertExamples(target: string, page = `docs/deploy/${target}.md`): void {
  const path = join(import.meta.dirname, '../..', page);
  const text = readFileSync(path, 'utf8');
  if (process.env['UPDATE_GOLDEN']) {
    const renewed = text.replace(BLOCK, (_, head: string, file: string, section: string, __, tail: string) =>
      [head, sectionOf(target, file, section), tail].join(''),
    );
    return writeFileSync(path, renewed);
  }
  const blocks = [...text.matchAll(BLOCK)];
  assert.ok(blocks.length > 0, `${page} has no block of a golden file`);
  for (const [, , file = '', section = '', block] of blocks) {
    assert.equal(block, sectionOf(target, file, section), `${page}: ${section} of ${file}`);
  }
}

function sectionOf(target: string, file: string, section: string): string {
  const found = readSections(join(import.meta.dirname, 'golden', target, file))[section];
  assert.ok(found !== undefined, `${file} has no section ${section}`);
  return found.trimEnd();
}
