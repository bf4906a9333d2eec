import { execFileSync } from 'node:child_process';
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Bundle } from './bundle.ts';
import { readHeader } from './header.ts';
import { runtimeFor } from './runtime.ts';
import { nameOf, type Target } from './targets.ts';

/**
 * What Node.js is started with: bin/outrider.js says why the heap is kept small. How scripts/binary/loader.ts loads modules is an
 * experiment of Node.js, of which users need no warning.
 */
const FLAGS = ['--max-semi-space-size=8', '--heap-growing-percent=50', '--disable-warning=ExperimentalWarning'];

/** Makes an executable for a target, and puts it in its place when it is whole. `folder`: a place to work in, on the same disk. */
export function makeExecutable(target: Target, { main, assets }: Bundle, folder: string, output: string): void {
  const put = (name: string, content: Uint8Array | string): string => {
    const file = join(folder, name);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, content);
    return name;
  };
  const config = {
    // The path of the script goes into the executable: it must be the same wherever it is built.
    main: put('main.cjs', main),
    executable: runtimeFor(target, folder),
    output: 'made',
    assets: Object.fromEntries([...assets].map(([name, content]) => [name, put(`assets/${name}`, content)])),
    disableExperimentalSEAWarning: true,
    // A cache of code would tie it to the machine that builds it, and would differ from build to build.
    useCodeCache: false,
    execArgv: FLAGS,
    // What the agent's Node.js is told in NODE_OPTIONS is not for the sidecar, in whose environment it may be.
    execArgvExtension: 'none',
  };
  put('sea.json', JSON.stringify(config));
  execFileSync(process.execPath, ['--build-sea', 'sea.json'], { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'] });
  const made = join(folder, 'made');
  const { platform, arch, hasBlob } = readHeader(made);
  if (platform !== target.platform || arch !== target.arch || !hasBlob) {
    throw new Error(`built for ${platform}-${arch}, blob: ${hasBlob}; wanted ${nameOf(target)} with a blob`);
  }
  renameSync(made, output);
}
