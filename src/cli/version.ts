import { readFileSync } from 'node:fs';
import { embedded } from '../embedded.ts';

/** Version of this package: its `package.json` is two folders up, from the sources as from what is published. */
export const VERSION: string = JSON.parse(
  Buffer.from(embedded('package.json') ?? readFileSync(new URL('../../package.json', import.meta.url))).toString(),
).version;
