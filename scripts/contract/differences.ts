import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** One line for each file of two directories that is missing in one of them or not the same. */
export function differences(expected: string, actual: string): string[] {
  const names = new Set([...files(expected), ...files(actual)]);
  return [...names].sort().flatMap((name) => {
    const [a, b] = [join(expected, name), join(actual, name)];
    if (!existsSync(b)) return [`${name}: is missing`];
    if (!existsSync(a)) return [`${name}: should not be there`];
    return readFileSync(a).equals(readFileSync(b)) ? [] : [`${name}: differs`];
  });
}

function files(directory: string): string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(directory.length + 1));
}
