/** Reads so many bytes from a position of a file. */
export type ReadAt = (position: number, length: number) => Buffer;

export interface ProgramHeader {
  readonly type: number;
  readonly offset: number;
  readonly address: number;
  readonly size: number;
}

const LOAD = 1;
const DYNAMIC = 2;
const DT_NEEDED = 1;
const DT_STRTAB = 5;

/** The program headers of an ELF file of 64 bits, little-endian (System V ABI, "Program Header"). */
export function programHeaders(at: ReadAt): ProgramHeader[] {
  const head = at(0, 64);
  const table = Number(head.readBigUInt64LE(32));
  const [entrySize, count] = [head.readUInt16LE(54), head.readUInt16LE(56)];
  return Array.from({ length: count }, (_, i) => {
    const entry = at(table + i * entrySize, 56);
    return {
      type: entry.readUInt32LE(0),
      offset: Number(entry.readBigUInt64LE(8)),
      address: Number(entry.readBigUInt64LE(16)),
      size: Number(entry.readBigUInt64LE(32)),
    };
  });
}

/** The shared libraries that an ELF file names itself. */
export function neededLibraries(at: ReadAt): string[] {
  const headers = programHeaders(at);
  const dynamic = headers.find(({ type }) => type === DYNAMIC);
  if (dynamic === undefined) return [];
  const entries = at(dynamic.offset, dynamic.size);
  const tags = Array.from({ length: dynamic.size >> 4 }, (_, i) => ({
    tag: Number(entries.readBigInt64LE(i * 16)),
    value: Number(entries.readBigUInt64LE(i * 16 + 8)),
  }));
  const strings = tags.find(({ tag }) => tag === DT_STRTAB)?.value;
  const loaded = headers.find(
    ({ type, address, size }) =>
      type === LOAD && strings !== undefined && strings >= address && strings < address + size,
  );
  if (strings === undefined || loaded === undefined) throw new Error('a dynamic section without strings');
  const start = loaded.offset + strings - loaded.address;
  return tags
    .filter(({ tag }) => tag === DT_NEEDED)
    .map(({ value }) =>
      at(start + value, 64)
        .toString('latin1')
        .replace(/\0.*$/s, ''),
    );
}
