import { randomBytes } from 'node:crypto';
import * as fs from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { Failure } from './failure.ts';
import { isSame, type Stamp, stampOf } from './stamp.ts';

/**
 * Writes a file as a whole or not at all: a new one in the same folder takes its place by rename, so that whoever reads it, and
 * whoever kills this process, finds the old text or the new one. Mode and, as far as the system allows, owner stay; a symbolic
 * link stays one. With `was`, a file that has changed since is left alone. Throws `Failure`.
 */
export function replaceFile(name: string, text: string, options: { cwd: string; was?: Stamp | undefined }): void {
  try {
    replace(resolve(options.cwd, name), text, options.was);
  } catch (error) {
    throw error instanceof Failure ? error : new Failure(`${name}: ${why(error)}`);
  }

  function replace(path: string, text: string, was: Stamp | undefined): void {
    const old = fs.statSync(path, { throwIfNoEntry: false, bigint: true });
    if (old !== undefined && !old.isFile()) throw new Failure(`${name}: not a regular file, so it cannot be replaced`);
    // Behind every link: a rename would put a file in the link's place.
    const target = old === undefined ? newFile(path) : fs.realpathSync(path);
    // A rename asks the folder only; a file that is read-only is meant to stay.
    if (old !== undefined) fs.accessSync(target, fs.constants.W_OK);
    const next = join(dirname(target), `.${basename(target)}.${randomBytes(6).toString('hex')}.tmp`);
    try {
      writeWhole(next, text, old);
      if (was !== undefined) checkUnchanged(target, was);
      fs.renameSync(next, target);
    } catch (error) {
      fs.rmSync(next, { force: true });
      throw error;
    }
    syncFolder(dirname(target));
  }

  function checkUnchanged(target: string, was: Stamp): void {
    const now = fs.statSync(target, { throwIfNoEntry: false, bigint: true });
    if (now !== undefined && isSame(stampOf(now), was)) return;
    throw new Failure(`${name}: somebody changed it meanwhile, so it was left alone; run this again`);
  }
}

/** The place of a file that is not there yet: behind a symbolic link, if there is one, that leads to it. */
function newFile(path: string): string {
  if (fs.lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() !== true) return path;
  const next = resolve(dirname(path), fs.readlinkSync(path));
  // Links of links; one that leads to itself has ended in ELOOP before.
  return newFile(join(fs.realpathSync(dirname(next)), basename(next)));
}

function writeWhole(path: string, text: string, like: fs.BigIntStats | undefined): void {
  const file = fs.openSync(path, 'wx', like === undefined ? 0o666 : 0o600);
  try {
    fs.writeFileSync(file, text);
    if (like !== undefined) {
      tryOwner(file, like);
      fs.fchmodSync(file, Number(like.mode & 0o7777n));
    }
    // Else a crash of the machine could leave the new name with nothing behind it.
    fs.fsyncSync(file);
  } finally {
    fs.closeSync(file);
  }
}

/** Only root may give a file away; others keep the group at best, and a file that is theirs then is what they asked for. */
function tryOwner(file: number, { uid, gid }: fs.BigIntStats): void {
  for (const owner of [Number(uid), -1]) {
    try {
      return fs.fchownSync(file, owner, Number(gid));
    } catch {
      // The next best.
    }
  }
}

function syncFolder(path: string): void {
  try {
    const folder = fs.openSync(path, 'r');
    try {
      fs.fsyncSync(folder);
    } finally {
      fs.closeSync(folder);
    }
  } catch {
    // Some file systems cannot; the file itself is there.
  }
}

function why(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
  if (code === 'ENOENT' || code === 'ENOTDIR') return 'there is no such folder';
  if (code === 'EACCES' || code === 'EPERM') return 'you may not write it, or not into its folder';
  return code === 'ENOSPC' ? 'no space is left, so it was left as it is' : `cannot be written: ${code}`;
}
