import { type Dockerfile, lineage, type Step } from './dockerfile.ts';

/** What ENTRYPOINT or CMD starts: its words, with a shell's before them where the builder adds them. */
export interface Start {
  readonly step: Step;
  readonly words: readonly string[];
  /** A text for a shell; false for a list of words. */
  readonly shell: boolean;
}

export interface Starts {
  readonly entrypoint: Start | undefined;
  readonly cmd: Start | undefined;
}

/** Instructions of what is built, from the first stage that it is built on to the last, in the order of their effect. */
export function effectiveSteps(file: Dockerfile): Step[] {
  return lineage(file).stages.flatMap(({ steps }) => steps);
}

/** What an image of this file starts, as far as the file itself says so. */
export function readStarts(file: Dockerfile): Starts {
  const steps = effectiveSteps(file);
  const entrypoint = startOf(steps, 'ENTRYPOINT');
  const cmd = startOf(steps, 'CMD');
  // An entrypoint takes away the command of what its stage is built on.
  const reset = entrypoint !== undefined && cmd !== undefined && entrypoint.step.stage > cmd.step.stage;
  return { entrypoint, cmd: reset ? undefined : cmd };
}

function startOf(steps: readonly Step[], keyword: 'ENTRYPOINT' | 'CMD'): Start | undefined {
  const index = steps.findLastIndex((step) => step.keyword === keyword);
  const step = steps[index];
  if (step === undefined) return undefined;
  const words = readWords(step.rest);
  if (words !== undefined) return { step, words, shell: false };
  const shell = steps.slice(0, index).findLast((before) => before.keyword === 'SHELL');
  return { step, words: [...((shell && readWords(shell.rest)) ?? ['/bin/sh', '-c']), step.rest], shell: true };
}

/** A list of words in JSON; undefined for everything else, which the builder gives to a shell. */
export function readWords(text: string): string[] | undefined {
  if (!text.startsWith('[')) return undefined;
  try {
    const words: unknown = JSON.parse(text);
    return Array.isArray(words) && words.every((word) => typeof word === 'string') ? words : undefined;
  } catch {
    return undefined;
  }
}

export function writeWords(words: readonly string[]): string {
  return `[${words.map((word) => JSON.stringify(word)).join(', ')}]`;
}
