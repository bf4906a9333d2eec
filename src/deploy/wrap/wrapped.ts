import type { Start, Starts } from './command.ts';
import type { Step } from './dockerfile.ts';

/** A file that was wrapped before. */
export interface Wrapped {
  /** What starts it. */
  readonly start: Start;
  /** Instructions that take something from the sidecar's image. */
  readonly copies: readonly Step[];
  readonly image: string | undefined;
}

/** The image that an instruction takes something from. */
export const FROM = /(?<=--from=)\S+/i;

/** Undefined for a file whose image does not start `outrider run`. */
export function findWrapped({ entrypoint, cmd }: Starts, steps: readonly Step[]): Wrapped | undefined {
  const start = [entrypoint, cmd].find((one) => one !== undefined && startsOutrider(one));
  if (start === undefined) return undefined;
  const copies = steps.filter(({ keyword, rest }) => keyword === 'COPY' && FROM.test(rest));
  const image = copies.findLast(({ rest }) => /\s\/usr\/local\/bin\/outrider\s/.test(rest))?.rest.match(FROM)?.[0];
  return {
    start,
    copies: copies.filter(({ rest }) => image !== undefined && rest.match(FROM)?.[0] === image),
    image,
  };
}

/** Where the agent's own words begin behind `outrider run`. */
export function behindRun(words: readonly string[]): number {
  const run = words.findIndex((_, index) => isRun(words, index));
  const dashes = words.indexOf('--', run);
  return (dashes === -1 ? run + 1 : dashes) + 1;
}

function isRun(words: readonly string[], index: number): boolean {
  return /(^|\/)outrider$/.test(words[index] ?? '') && words[index + 1] === 'run';
}

function startsOutrider({ words, shell, step }: Start): boolean {
  if (shell) return /(^|[\s/])outrider\s+run\s/.test(step.rest);
  return words.some((_, index) => isRun(words, index));
}
