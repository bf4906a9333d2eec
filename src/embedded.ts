import { getAsset, isSea } from 'node:sea';

/**
 * What the single executable carries in place of a file, by the name that `scripts/binary/bundle.ts` gives it; undefined in a
 * checkout and in the package, where there are files. Throws in the executable when it does not have it.
 * (Node.js, Single executable applications: https://nodejs.org/api/single-executable-applications.html)
 */
export function embedded(name: string): Uint8Array | undefined {
  return isSea() ? new Uint8Array(getAsset(name)) : undefined;
}
