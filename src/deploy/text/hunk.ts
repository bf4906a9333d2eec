import { applyEdits, type Edit } from './edit.ts';
import { lineEnd, lineEnds } from './lines.ts';

/** A change that can be taken back: what was put in, what was taken out, and what stands around it. */
export interface Hunk {
  /** Offset into the changed text. */
  readonly at: number;
  /** Lines of the changed text before it. */
  readonly line: number;
  readonly old: string;
  readonly now: string;
  /** Text right before and behind it, in the changed text. */
  readonly before: readonly string[];
  readonly behind: readonly string[];
}

/** Pieces of text around a hunk, to find it again by. */
const CONTEXT = 3;
/** Characters of a piece. */
const PIECE = 200;

/** The hunks of the edits that change a text. Whole lines, or in text that has none to speak of, what the edits say. */
export function hunksOf(text: string, edits: readonly Edit[], lines: boolean): Hunk[] {
  const changed = applyEdits(text, edits);
  const merged = lines ? wholeLines(text, edits) : touching(text, edits);
  let drift = 0;
  let line = 0;
  let counted = 0;
  return merged.map(({ start, end, text: now }) => {
    const at = start + drift;
    line += lineEnds(changed, counted, at);
    counted = at;
    drift += now.length - (end - start);
    const behind = at + now.length;
    return {
      at,
      line,
      old: text.slice(start, end),
      now,
      before: piecesBefore(changed, at, lines),
      behind: piecesBehind(changed, behind, lines),
    };
  });
}

/** Edits as replacements of whole lines, those of the same line in one. */
function wholeLines(text: string, edits: readonly Edit[]): Edit[] {
  const grown = edits.map((edit): Edit => {
    const isWhole =
      startsLine(text, edit.start) && startsLine(text, edit.end) && (edit.text === '' || edit.text.endsWith('\n'));
    if (isWhole) return edit;
    const start = text.lastIndexOf('\n', edit.start - 1) + 1;
    const stop =
      startsLine(text, edit.end) && edit.end > edit.start && edit.text.endsWith('\n')
        ? edit.end
        : lineEnd(text, edit.end);
    return { start: edit.start === 0 ? 0 : start, end: stop, text: '' };
  });
  return joined(text, edits, grown);
}

function startsLine(text: string, offset: number): boolean {
  return offset === 0 || text[offset - 1] === '\n' || offset === text.length;
}

function touching(text: string, edits: readonly Edit[]): Edit[] {
  return joined(text, edits, edits);
}

/** One edit for each group of ranges that overlap or touch. */
function joined(text: string, edits: readonly Edit[], ranges: readonly Edit[]): Edit[] {
  const order = [...edits.keys()].sort((a, b) => {
    const [one, other] = [edits[a], edits[b]];
    return (one?.start ?? 0) - (other?.start ?? 0) || (one?.end ?? 0) - (other?.end ?? 0);
  });
  const groups: { start: number; end: number; edits: Edit[] }[] = [];
  for (const index of order) {
    const [edit, range] = [edits[index], ranges[index]];
    if (!edit || !range) continue;
    const last = groups.at(-1);
    if (last && range.start <= last.end) {
      last.end = Math.max(last.end, range.end);
      last.edits.push(edit);
    } else groups.push({ start: range.start, end: range.end, edits: [edit] });
  }
  return groups.map(({ start, end, edits: own }) => {
    const moved = own.map((edit) => ({ start: edit.start - start, end: edit.end - start, text: edit.text }));
    return { start, end, text: applyEdits(text.slice(start, end), moved) };
  });
}

function piecesBefore(text: string, at: number, lines: boolean): string[] {
  const pieces: string[] = [];
  for (let end = at; end > 0 && pieces.length < CONTEXT; ) {
    const line = lines ? text.lastIndexOf('\n', end - 2) + 1 : 0;
    const start = Math.max(end === 1 ? 0 : line, end - (lines ? PIECE : SHORT), 0);
    pieces.unshift(text.slice(start, end));
    end = start;
  }
  return pieces;
}

function piecesBehind(text: string, at: number, lines: boolean): string[] {
  const pieces: string[] = [];
  for (let start = at; start < text.length && pieces.length < CONTEXT; ) {
    const end = Math.min(lines ? lineEnd(text, start) : text.length, start + (lines ? PIECE : SHORT));
    pieces.push(text.slice(start, end));
    start = end;
  }
  return pieces;
}

const SHORT = 24;
