import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The files that a build is given: all below `root` but what its `.dockerignore` leaves out. Relative paths, sorted. */
export function contextFiles(root: string): string[] {
  const rules = readFileSync(join(root, '.dockerignore'), 'utf8')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map(ruleOf);
  return walk(root, '').filter((path) => !isIgnored(path, rules));
}

interface Rule {
  readonly pattern: RegExp;
  readonly keeps: boolean;
}

/** A pattern of `.dockerignore`: `*` stays within a name, `**` does not, and the last pattern that fits a file decides. */
function ruleOf(line: string): Rule {
  const keeps = line.startsWith('!');
  const source = line
    .slice(keeps ? 1 : 0)
    .replace(/^\/|\/$/g, '')
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replace(
      /\*\*\/|\*\*|\*|\?/g,
      (wild) => ({ '**/': '(?:.*/)?', '**': '.*', '*': '[^/]*', '?': '[^/]' })[wild] ?? '',
    );
  return { pattern: new RegExp(`^${source}$`), keeps };
}

function isIgnored(path: string, rules: readonly Rule[]): boolean {
  const names = path.split('/');
  const folders = names.map((_, i) => names.slice(0, i + 1).join('/'));
  let ignored = false;
  for (const { pattern, keeps } of rules) if (folders.some((folder) => pattern.test(folder))) ignored = !keeps;
  return ignored;
}

/** Nobody's build is given these, and they are large. */
const LEFT_OUT = new Set(['node_modules', '.git', 'dist-binary']);

function walk(root: string, folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true })
    .flatMap((entry) => {
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
      if (entry.isDirectory()) return LEFT_OUT.has(entry.name) ? [] : walk(root, path);
      return [path];
    })
    .sort();
}
