import type { Start, Starts } from './command.ts';
import type { Step } from './dockerfile.ts';
import type { Edit } from './edit.ts';

/** A file that was wrapped before. */
export interface Wrapped {
  /** Of what starts it. */
  readonly line: number;
  /** Instructions that take something from the sidecar's image. */
  readonly copies: readonly Step[];
  readonly image: string | undefined;
}

const FROM = /(?<=--from=)\S+/i;

/** Undefined for a file whose image does not start `outrider run`. */
export function findWrapped({ entrypoint, cmd }: Starts, steps: readonly Step[]): Wrapped | undefined {
  const start = [entrypoint, cmd].find((one) => one !== undefined && startsOutrider(one));
  if (start === undefined) return undefined;
  const copies = steps.filter(({ keyword, rest }) => keyword === 'COPY' && FROM.test(rest));
  const image = copies.findLast(({ rest }) => /\s\/usr\/local\/bin\/outrider\s/.test(rest))?.rest.match(FROM)?.[0];
  return {
    line: start.step.line,
    copies: copies.filter(({ rest }) => image !== undefined && rest.match(FROM)?.[0] === image),
    image,
  };
}

/** The sidecar's image in every instruction that takes something from it. */
export function upgradeEdits(text: string, { copies, image }: Wrapped, to: string): Edit[] {
  if (image === to) return [];
  return copies.map(({ start, end }) => ({ start, end, text: text.slice(start, end).replace(FROM, to) }));
}

function startsOutrider({ words, shell, step }: Start): boolean {
  if (shell) return /(^|[\s/])outrider\s+run\s/.test(step.rest);
  return words.some((word, index) => /(^|\/)outrider$/.test(word) && words[index + 1] === 'run');
}
