import { RE2JS } from 're2js';
import { type Find, NO_SPANS, type Spans, type Work } from './rule.ts';

/** An operator's expression. */
export interface Expression {
  readonly pattern: string;
  readonly find: Find;
  /** Whether the expression matches anywhere, be it only the empty string. Linear. */
  readonly test: (text: string) => boolean;
  /**
   * True when a match in a text is still a match after the text was set between two `"`, or any other characters outside
   * `\w`, in a longer one. False for expressions that look at the ends of the text or of lines.
   */
  readonly survivesJoining: boolean;
}

/** Compiles RE2 syntax. Throws an Error that says what is wrong. Flags are those in the pattern: `(?i)`, `(?s)`, `(?m)`. */
export function compileExpression(pattern: string): Expression {
  const compiled = RE2JS.compile(pattern);
  return {
    pattern,
    find: (text, work) => (compiled.test(text) ? findAll(compiled, text, work) : NO_SPANS),
    test: (text) => compiled.test(text),
    survivesJoining: !looksAtEnds(pattern),
  };
}

/** Whether the pattern may hold `^`, `$`, `\A` or `\z`. Says yes when in doubt. */
function looksAtEnds(pattern: string): boolean {
  for (let i = 0; i < pattern.length; i++) {
    const c = pattern[i];
    if (c === '\\') {
      i++;
      if (/[AzZQ]/.test(pattern[i] ?? '')) return true;
    } else if (c === '$' || (c === '^' && pattern[i - 1] !== '[')) {
      return true;
    } else if (c === '^' && pattern[i - 2] === '\\') {
      // `\[^` is a bracket and the beginning of the text, unless that backslash is itself escaped: no matter.
      return true;
    }
  }
  return false;
}

/**
 * All matches that are not empty. One search is linear, but all of them together need not be: `a(.*b)?` looks at the whole
 * rest of the text for each `a`. So each character that is looked at counts as work; when there is none left, the rest of
 * the text is one match. That redacts too much in a case that does not happen by accident, and never too little.
 */
function findAll(compiled: RE2JS, text: string, work: Work): Spans {
  const spans: number[] = [];
  const counted: unknown = new CountedText(text, work);
  // RE2JS takes String objects as it takes strings, and searches both through these methods only.
  const matcher = compiled.matcher(counted as string);
  try {
    while (matcher.find()) {
      const start = matcher.start();
      const end = matcher.end();
      if (end > start) spans.push(start, end);
    }
  } catch (error) {
    if (error !== OUT_OF_WORK) throw error;
    spans.push(spans.at(-1) ?? 0, text.length);
  }
  return spans;
}

const OUT_OF_WORK = new Error('out of work');

/**
 * A text that counts each character that is read of it, whatever engine RE2JS reads it with. It passes for a String by its
 * tag. A subclass of String would be the plain way, but one anywhere in a program makes V8 run `charCodeAt` on every string
 * several times slower.
 */
class CountedText {
  readonly [Symbol.toStringTag] = 'String';
  readonly length: number;
  readonly #text: string;
  readonly #work: Work;

  constructor(text: string, work: Work) {
    this.length = text.length;
    this.#text = text;
    this.#work = work;
  }

  charCodeAt(at: number): number {
    this.#spend(1);
    return this.#text.charCodeAt(at);
  }

  indexOf(needle: string, from = 0): number {
    const at = this.#text.indexOf(needle, from);
    // Native, so that many characters make one step.
    this.#spend(1 + (((at < 0 ? this.#text.length : at) - from) >> 5));
    return at;
  }

  #spend(steps: number): void {
    this.#work.left -= steps;
    if (this.#work.left < 0) throw OUT_OF_WORK;
  }
}
