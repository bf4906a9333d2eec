import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { nameOf, RUNTIME_VERSION, type Target } from './targets.ts';

/**
 * Node.js for a machine, as a file in `folder`, from the npm registry or npm's cache. Also for this machine: the executable is the
 * same wherever it is built.
 */
export function runtimeFor(target: Target, folder: string): string {
  const spec = `${target.runtime}@${RUNTIME_VERSION}`;
  // Nothing of it is run: neither its scripts nor what it holds.
  execFileSync('npm', ['pack', spec, '--silent', '--ignore-scripts', '--pack-destination', folder], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const tarball = join(folder, `${target.runtime}-${RUNTIME_VERSION}.tgz`);
  const integrity = `sha512-${createHash('sha512').update(readFileSync(tarball)).digest('base64')}`;
  if (integrity !== target.integrity) {
    throw new Error(
      `${spec}: its integrity is ${integrity}, and should be ${target.integrity} (scripts/binary/targets.ts)`,
    );
  }
  const inside = 'package/bin/node';
  execFileSync('tar', ['-xzf', tarball, '-C', folder, inside]);
  return join(folder, inside);
}

/** Fails unless this process, the devDependency and the pinned runtimes are of one version: what makes an executable must be. */
export function checkRuntimes(root: string): void {
  const { devDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  if (devDependencies.node !== RUNTIME_VERSION) {
    throw new Error(
      `package.json pins node ${devDependencies.node}, scripts/binary/targets.ts ${RUNTIME_VERSION}: change the version there and each integrity`,
    );
  }
  if (process.versions.node !== RUNTIME_VERSION) {
    throw new Error(
      `this is Node.js ${process.versions.node}: use npm run build:binary, which runs ${RUNTIME_VERSION}`,
    );
  }
}

export function thisMachine(targets: readonly Target[]): Target {
  const target = targets.find(({ platform, arch }) => platform === process.platform && arch === process.arch);
  if (target !== undefined) return target;
  throw new Error(
    `nothing is built for ${process.platform}-${process.arch} itself: say --target with ${targets.map(nameOf).join(', ')}`,
  );
}
