import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** The Debian packages that the base consists of, as far as they hold libraries (its repository: base/config.bzl, cc/config.bzl). */
const PACKAGES = ['libc6', 'libssl3', 'libgomp1', 'libstdc++6', 'libgcc-s1'];

/** The libraries in them, by the names that executables ask for; the loader's name depends on the machine. */
export const BASE_LIBRARIES: ReadonlySet<string> = new Set([
  'ld-linux-x86-64.so.2',
  'ld-linux-aarch64.so.1',
  'libc.so.6',
  'libdl.so.2',
  'libm.so.6',
  'libpthread.so.0',
  'librt.so.1',
  'libgcc_s.so.1',
  'libstdc++.so.6',
  'libgomp.so.1',
  'libssl.so.3',
  'libcrypto.so.3',
]);

/** Why such a base cannot be made of this machine's own packages, one release older than its own; undefined when it can. */
export function cannotMakeBase(): string | undefined {
  const release = existsSync('/etc/os-release') ? readFileSync('/etc/os-release', 'utf8') : '';
  if (!/^ID=debian$/m.test(release) || !/^VERSION_ID="12"$/m.test(release)) return 'this is not Debian 12';
  if (process.arch !== 'x64') return 'this is not an x64';
  try {
    execFileSync('unshare', ['-rmpf', 'true'], { stdio: 'ignore' });
  } catch {
    return 'unshare -rmpf is not allowed';
  }
  return undefined;
}

/** Puts the files of the base's packages into a folder, as they are on this machine: what runs with the older ones runs with the newer. */
export function makeBase(root: string): void {
  const files = execFileSync('dpkg-query', ['-L', ...PACKAGES], { encoding: 'utf8' }).split('\n');
  for (const file of files) {
    // /lib is a link to /usr/lib here, and is not there.
    const place = file.replace(/^\/(lib|lib64)\//, '/usr/$1/');
    if (!/^\/usr\/lib(64)?\//.test(place) || statSync(place, { throwIfNoEntry: false })?.isFile() !== true) continue;
    for (const to of [place, place.slice('/usr'.length)]) {
      mkdirSync(dirname(join(root, to)), { recursive: true });
      copyFileSync(place, join(root, to));
    }
  }
}
