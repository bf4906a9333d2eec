// The script of the executable: Node.js runs it first. The modules of the command line are assets, loaded one by one when they
// are imported: whoever asks for the version waits for nothing else. Modules on disk are loaded as ever.
import { registerHooks } from 'node:module';
import { getAsset } from 'node:sea';
import { constants, Script } from 'node:vm';

/** Where the modules say that they are; there is nothing. */
const PLACE = 'outrider://executable/';

registerHooks({
  resolve(specifier, context, next) {
    // The executable's own, whatever is installed beside a module of agents: the host must know their errors.
    const name = specifier === 'outrider/agent' ? `${PLACE}library/agent.js` : specifier;
    const isOurs = name.startsWith(PLACE) || (name.startsWith('.') && context.parentURL?.startsWith(PLACE) === true);
    if (!isOurs) return next(specifier, context);
    return { url: new URL(name, context.parentURL).href, format: 'module', shortCircuit: true };
  },
  load: (url, context, next) =>
    url.startsWith(PLACE)
      ? { format: 'module', source: getAsset(url.slice(PLACE.length), 'utf8'), shortCircuit: true }
      : next(url, context),
});

// The script of an executable can import nothing but what is part of Node.js; a script of its own can be given the usual loader.
const importModule: (url: string) => Promise<unknown> = new Script('(url) => import(url)', {
  importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
}).runInThisContext();
void importModule(`${PLACE}cli/bin.js`);
