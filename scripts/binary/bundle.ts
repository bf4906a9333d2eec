import { readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { join, relative } from 'node:path';
import { type BuildOptions, build, type Metafile, type Plugin } from 'esbuild';

/** What goes into the executable. */
export interface Bundle {
  /** Its script, CommonJS. */
  readonly main: string;
  /** By the names that the script and `embedded` of src/embedded.ts ask for. */
  readonly assets: ReadonlyMap<string, Uint8Array | string>;
  /** The folders of the packages that went into it, relative to the root. */
  readonly packages: readonly string[];
}

/** Modules that find something beside them: each one asks `embedded` first, or is rewritten below. */
const KNOWS_ITS_PLACE = new Set([
  'src/cli/version.ts',
  'src/compose/host/docs-page.ts',
  'src/guardrails/phone-numbers.ts',
  'src/host/store/thread.ts',
  'src/ledger/thread.ts',
]);
/** The command line, and what agents import as `outrider/agent`: they share their modules, so an error of one is one of the other. */
const MODULES = ['src/cli/bin.ts', 'src/library/agent.ts'];
const PAGES = ['index.html', 'page.css', 'page.js'].map((file) => `web/docs/${file}`);
/** What CommonJS packages ask for, and an ES module does not have. */
const REQUIRE = 'const require=process.getBuiltinModule;';

/** Bundles the command line and its threads. Throws when something would be looked for on disk that is not there. */
export async function bundle(root: string): Promise<Bundle> {
  const [main, modules, ledger, store] = await Promise.all([
    script(root, 'scripts/binary/loader.ts'),
    bundled(root, MODULES, { format: 'esm', splitting: true, banner: { js: REQUIRE } }),
    script(root, 'src/ledger/worker.ts'),
    script(root, 'src/host/store/worker.ts'),
  ]);
  const { name, version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const assets = new Map<string, Uint8Array | string>([
    ...modules.files,
    ['package.json', JSON.stringify({ name, version })],
    ['ledger-worker', ledger],
    ['host-store-worker', store],
    ...PAGES.map((file) => [file, readFileSync(join(root, file))] as const),
  ]);
  return { main, assets, packages: packagesOf(modules.metafile) };
}

/** Node.js runs the executable's script, and a thread the one that it is given, as CommonJS. */
async function script(root: string, entry: string): Promise<string> {
  const { files } = await bundled(root, [entry], { format: 'cjs' });
  const [code] = files.values();
  if (code === undefined || files.size !== 1) throw new Error(`${entry}: expected one file`);
  return code;
}

interface Bundled {
  readonly files: ReadonlyMap<string, string>;
  readonly metafile: Metafile;
}

async function bundled(root: string, entryPoints: string[], options: BuildOptions): Promise<Bundled> {
  const outdir = join(root, 'out');
  const { outputFiles, metafile } = await build({
    ...options,
    absWorkingDir: root,
    entryPoints,
    outdir,
    bundle: true,
    // The same with and without the file of that name: the image is built from sources alone.
    tsconfigRaw: { compilerOptions: { verbatimModuleSyntax: true } },
    platform: 'node',
    target: `node${process.versions.node.split('.')[0]}`,
    // Names stay: stack traces are read by people.
    minifySyntax: true,
    minifyWhitespace: true,
    legalComments: 'none',
    charset: 'utf8',
    write: false,
    metafile: true,
    logLevel: 'silent',
    plugins: [placeless(root)],
  });
  refuseForeign(metafile);
  return {
    files: new Map((outputFiles ?? []).map(({ path, text }) => [relative(outdir, path).replaceAll('\\', '/'), text])),
    metafile,
  };
}

/** Fails on a module of ours that would look beside itself, and lets the numbering plans of telephones be bundled. */
function placeless(root: string): Plugin {
  return {
    name: 'placeless',
    setup(building) {
      building.onLoad({ filter: /\.ts$/ }, ({ path }) => {
        const file = relative(root, path).replaceAll('\\', '/');
        if (!file.startsWith('src/')) return undefined;
        const text = readFileSync(path, 'utf8');
        if (!/import\.meta|createRequire/.test(text)) return undefined;
        if (KNOWS_ITS_PLACE.has(file)) return { contents: withoutCreateRequire(file, text), loader: 'ts' };
        const advice =
          'make what it needs an asset in scripts/binary/bundle.ts, have it ask embedded(), and name it there';
        return { errors: [{ text: `${file} uses import.meta, but nothing lies beside the executable: ${advice}` }] };
      });
    },
  };
}

/** The bundler bundles what `require` is called with, but not with a function of that name that a module makes itself. */
function withoutCreateRequire(file: string, text: string): string {
  if (!text.includes('createRequire')) return text;
  const lines = ["import { createRequire } from 'node:module';\n", 'const require = createRequire(import.meta.url);\n'];
  return lines.reduce((rest, line) => {
    if (rest.split(line).length !== 2) throw new Error(`${file}: expected it to say once: ${line}`);
    return rest.replace(line, '');
  }, text);
}

/** Whatever is not bundled must be part of Node.js. */
function refuseForeign({ inputs }: Metafile): void {
  const builtin = new Set(builtinModules.flatMap((name) => [name, `node:${name}`]));
  const foreign = Object.entries(inputs).flatMap(([file, { imports }]) =>
    imports
      .filter(({ external, path }) => external === true && !builtin.has(path))
      .map(({ path }) => `${file} imports ${path}`),
  );
  if (foreign.length > 0) throw new Error(`not bundled and not part of Node.js: ${foreign.join('; ')}`);
}

function packagesOf({ inputs }: Metafile): string[] {
  const folders = Object.keys(inputs).flatMap((file) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/.exec(file) ?? []);
  return [...new Set(folders)].sort();
}
