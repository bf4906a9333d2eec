// `node --import ./scripts/from-source.ts FILE`: FILE imports `outrider/agent` by its published name, and gets the source.
import { registerHooks } from 'node:module';

const SOURCES: Readonly<Record<string, string>> = {
  'outrider/agent': '../src/library/agent.ts',
  'outrider/agent/testing': '../src/library/testing.ts',
};

registerHooks({
  resolve(specifier, context, nextResolve) {
    const source = SOURCES[specifier];
    return source === undefined
      ? nextResolve(specifier, context)
      : nextResolve(new URL(source, import.meta.url).href, context);
  },
});
