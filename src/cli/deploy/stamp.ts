import type { BigIntStats } from 'node:fs';

/** Tells whether a file is still the one that was read. */
export interface Stamp {
  readonly inode: bigint;
  readonly size: bigint;
  /** Nanoseconds since 1970. */
  readonly modified: bigint;
}

export function stampOf({ ino, size, mtimeNs }: BigIntStats): Stamp {
  return { inode: ino, size, modified: mtimeNs };
}

export function isSame(one: Stamp, other: Stamp): boolean {
  return one.inode === other.inode && one.size === other.size && one.modified === other.modified;
}
