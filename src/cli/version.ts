import { readFileSync } from 'node:fs';

/** Version of this package: its `package.json` is two folders up, from the sources as from what is published. */
export const VERSION: string = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')).version;
