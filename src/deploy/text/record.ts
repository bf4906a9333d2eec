import { createHash } from 'node:crypto';
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { MANIFEST_TARGETS, type ManifestTarget } from '../target.ts';
import type { Hunk } from './hunk.ts';

/** What `eject` needs: how the text was before, told from how it is now. */
export interface EjectRecord {
  readonly target: ManifestTarget;
  /** Of the text as it was; see `textHash`. */
  readonly before: string;
  /** Of the text that was made of it, without the record. */
  readonly after: string;
  /** True where the text's last line had no line end before the record was put behind it. */
  readonly open: boolean;
  readonly of: Injection;
  readonly hunks: readonly Hunk[];
}

/** What was injected, as far as it has to be known again. */
export interface Injection {
  /** The sidecar's image, which people change by hand. */
  readonly image: string;
  /** What was said to be the agent, if anything was. */
  readonly workload?: string;
  readonly container?: string;
}

/** Thrown for a record that is not one. */
export class BrokenRecord extends Error {
  override readonly name = 'BrokenRecord';
}

const VERSION = 1;
/** Bytes of a record once it is inflated: twice the largest file, as UTF-8. */
const MAX_INFLATED = 96 * 1024 * 1024;
/**
 * A record holds what was put in and taken out, and what stands around it: a small multiple of the file at most, while a few
 * kilobytes that were made for it inflate to as much as there may be.
 */
const INFLATED_PER_CHARACTER = 16;
const INFLATED_ANYWAY = 64 * 1024;

export function encodeRecord({ target, before, after, open, of, hunks }: EjectRecord): string {
  const rows = hunks.map((hunk) => [hunk.at, hunk.line, hunk.old, hunk.now, hunk.before, hunk.behind]);
  const json = JSON.stringify([
    VERSION,
    target,
    before,
    after,
    open,
    rows,
    of.image,
    of.workload ?? null,
    of.container ?? null,
  ]);
  return deflateRawSync(json, { level: 9 }).toString('base64url');
}

/** Throws `BrokenRecord`: a record is text that anybody can have changed. `characters`: of the file that carries it. */
export function decodeRecord(text: string, characters: number): EjectRecord {
  const value = parse(text, Math.min(INFLATED_PER_CHARACTER * characters + INFLATED_ANYWAY, MAX_INFLATED));
  if (!Array.isArray(value)) throw new BrokenRecord();
  const [version, target, before, after, open, rows, image, workload, container]: unknown[] = value;
  if (version !== VERSION) throw new BrokenRecord('another version of outrider wrote it');
  const known = MANIFEST_TARGETS.find((name) => name === target);
  if (known === undefined || typeof before !== 'string' || typeof after !== 'string' || typeof open !== 'boolean') {
    throw new BrokenRecord();
  }
  if (!Array.isArray(rows) || typeof image !== 'string' || !isName(workload) || !isName(container)) {
    throw new BrokenRecord();
  }
  const of = { image, ...(workload !== null && { workload }), ...(container !== null && { container }) };
  return { target: known, before, after, open, of, hunks: rows.map(decodeHunk) };
}

function parse(text: string, maxOutputLength: number): unknown {
  try {
    const bytes = inflateRawSync(Buffer.from(text, 'base64url'), { maxOutputLength });
    return JSON.parse(bytes.toString('utf8'));
  } catch (cause) {
    throw new BrokenRecord('', { cause });
  }
}

function decodeHunk(row: unknown): Hunk {
  if (!Array.isArray(row)) throw new BrokenRecord();
  const [at, line, old, now, before, behind]: unknown[] = row;
  if (
    !isCount(at) ||
    !isCount(line) ||
    typeof old !== 'string' ||
    typeof now !== 'string' ||
    !isTexts(before) ||
    !isTexts(behind)
  ) {
    throw new BrokenRecord();
  }
  return { at, line, old, now, before, behind };
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function isName(value: unknown): value is string | null {
  return value === null || typeof value === 'string';
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((one) => typeof one === 'string');
}

/** 96 bits of SHA-256: enough to see that a text has not been changed. */
export function textHash(text: string): string {
  return createHash('sha256').update(text).digest('base64url').slice(0, 16);
}
