import type * as library from '../../src/library/agent.ts';

/** `outrider/agent` as it is published: `npm run build` makes it, so that the type checker cannot look for it. */
export async function builtLibrary(): Promise<typeof library> {
  return import(new URL('../../dist/library/agent.js', import.meta.url).href);
}
