import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { neededLibraries, programHeaders, type ReadAt } from './elf.ts';

/** What an executable says of itself. */
export interface Header {
  readonly platform: 'linux' | 'darwin';
  readonly arch: 'x64' | 'arm64';
  /** Whether it holds the script and the assets of a single executable. */
  readonly hasBlob: boolean;
  /** The shared libraries that it needs; of Linux only. */
  readonly libraries: readonly string[];
}

const ELF = 0x7f454c46;
const MACH_O_64 = 0xfeedfacf;
const ARCH_OF_ELF = new Map<number, Header['arch']>([
  [0x3e, 'x64'],
  [0xb7, 'arm64'],
]);
const ARCH_OF_MACH_O = new Map<number, Header['arch']>([
  [0x01000007, 'x64'],
  [0x0100000c, 'arm64'],
]);
/** The first word of the blob (node_sea.cc of Node.js). */
const BLOB = 0x143da20;
const NOTE = 4;
const SEGMENT_64 = 0x19;

/** Reads the header of an ELF or a Mach-O file of 64 bits, and looks for Node.js's blob where it belongs. Throws for anything else. */
export function readHeader(file: string): Header {
  const fd = openSync(file, 'r');
  try {
    const { size } = fstatSync(fd);
    const at: ReadAt = (position, length) => {
      if (position + length > size) throw new Error(`${file}: ends before byte ${position + length}`);
      const bytes = Buffer.alloc(length);
      readSync(fd, bytes, 0, length, position);
      return bytes;
    };
    const magic = at(0, 4);
    if (magic.readUInt32BE() === ELF) return readElf(file, at);
    if (magic.readUInt32LE() === MACH_O_64) return readMachO(file, at);
    throw new Error(`${file}: neither ELF nor Mach-O of 64 bits`);
  } finally {
    closeSync(fd);
  }
}

/** System V ABI, "Note Section": the blob is a note named NODE_SEA_BLOB. */
function readElf(file: string, at: ReadAt): Header {
  const machine = at(18, 2).readUInt16LE();
  const arch = ARCH_OF_ELF.get(machine);
  if (arch === undefined) throw new Error(`${file}: ELF for machine ${machine}`);
  const notes = programHeaders(at).filter(({ type }) => type === NOTE);
  const hasBlob = notes.some(({ offset, size }) => {
    for (let next = offset; next + 12 <= offset + size; ) {
      const note = at(next, 12);
      const [nameLength, textLength] = [note.readUInt32LE(0), note.readUInt32LE(4)];
      const text = next + 12 + aligned(nameLength);
      const name = at(next + 12, nameLength).toString('latin1');
      if (name === 'NODE_SEA_BLOB\0') return at(text, 4).readUInt32LE() === BLOB;
      next = text + aligned(textLength);
    }
    return false;
  });
  return { platform: 'linux', arch, hasBlob, libraries: neededLibraries(at) };
}

/** Mach-O's `load_command` and `section_64`: the blob is the section __NODE_SEA_BLOB of the segment NODE_SEA. */
function readMachO(file: string, at: ReadAt): Header {
  const head = at(0, 32);
  const arch = ARCH_OF_MACH_O.get(head.readUInt32LE(4));
  if (arch === undefined) throw new Error(`${file}: Mach-O for CPU ${head.readUInt32LE(4)}`);
  let hasBlob = false;
  let next = 32;
  for (let i = 0; i < head.readUInt32LE(16); i++) {
    const length = at(next, 8).readUInt32LE(4);
    const command = at(next, length);
    next += length;
    if (command.readUInt32LE(0) !== SEGMENT_64) continue;
    for (let s = 0; s < command.readUInt32LE(64); s++) {
      const section = command.subarray(72 + s * 80);
      if (nameAt(section, 16) !== 'NODE_SEA' || nameAt(section, 0) !== '__NODE_SEA_BLOB') continue;
      hasBlob = at(section.readUInt32LE(48), 4).readUInt32LE() === BLOB;
    }
  }
  return { platform: 'darwin', arch, hasBlob, libraries: [] };
}

const aligned = (length: number): number => (length + 3) & ~3;
const nameAt = (bytes: Buffer, start: number): string =>
  bytes.toString('latin1', start, start + 16).replace(/\0.*$/s, '');
