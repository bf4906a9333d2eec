import { execFileSync } from 'node:child_process';
import { cpSync, globSync, mkdirSync, statSync } from 'node:fs';
import { basename, delimiter, dirname, join } from 'node:path';
import type { Stage, Step } from './parse.ts';

/** Where a stage's file system is: a folder that stands for `/`. */
export interface Place {
  readonly root: string;
  /** As the last WORKDIR says. */
  workdir: string;
}

/** Does what a stage says, in a folder. `context`: what COPY copies from; `only`: these steps of it. */
export function runStage(
  { steps }: Stage,
  place: Place,
  {
    context,
    args,
    only = () => true,
  }: { context: string; args: Record<string, string>; only?: (step: Step) => boolean },
): void {
  for (const step of steps.filter(only)) {
    if (step.keyword === 'WORKDIR') {
      place.workdir = step.text;
      mkdirSync(join(place.root, step.text), { recursive: true });
    } else if (step.keyword === 'COPY') copy(step, context, place);
    else if (step.keyword === 'RUN') run(step, place, args);
    else if (step.keyword !== 'ARG') throw new Error(`Dockerfile:${step.line}: ${step.keyword} cannot be run here`);
  }
}

/** As an engine would: the shell, the working directory, the arguments, and this Node.js, which is that of the image. */
function run({ line, text }: Step, { root, workdir }: Place, args: Record<string, string>): void {
  const path = `${dirname(process.execPath)}${delimiter}${process.env['PATH'] ?? ''}`;
  // With the environment of this process: it may say where the registry is and how to get out.
  const env = { ...process.env, PATH: path, ...args };
  try {
    execFileSync('/bin/sh', ['-c', text], {
      cwd: join(root, workdir),
      env,
      stdio: ['ignore', 'ignore', 'inherit'],
      timeout: 240_000,
    });
  } catch (error) {
    throw new Error(`Dockerfile:${line}: ${text}`, { cause: error });
  }
}

/** A folder's contents go into the target; a file goes into it when it ends with a slash; links are followed. */
export function copy({ line, words }: Step, from: string, { root, workdir }: Place): void {
  const target = words.at(-1) ?? '';
  const to = join(root, target.startsWith('/') ? target : join(workdir, target));
  for (const word of words.slice(0, -1)) {
    const sources = globSync(join(from, word));
    if (sources.length === 0) throw new Error(`Dockerfile:${line}: nothing is at ${word}`);
    for (const source of sources) {
      const into = statSync(source).isDirectory() || !/\/$|^\.$/.test(target) ? to : join(to, basename(source));
      mkdirSync(dirname(into), { recursive: true });
      cpSync(source, into, { recursive: true, dereference: true });
    }
  }
}
