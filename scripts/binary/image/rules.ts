import { RUNTIME_VERSION } from '../targets.ts';
import type { Stage, Step } from './parse.ts';

const KNOWN = new Set('ARG CMD COPY ENTRYPOINT ENV EXPOSE HEALTHCHECK LABEL RUN USER VOLUME WORKDIR'.split(' '));
const LABELS = ['title', 'description', 'licenses', 'version', 'revision'].map(
  (name) => `org.opencontainers.image.${name}`,
);

/** What is wrong with a Dockerfile of ours, each with its line. `files`: what the build is given. */
export function faultsOf(stages: readonly Stage[], files: readonly string[]): string[] {
  const faults: string[] = [];
  const fault = (line: number, message: string): void => void faults.push(`Dockerfile:${line}: ${message}`);
  const names: (string | undefined)[] = [];
  for (const { name, image, line, steps } of stages) {
    if (!names.includes(image)) checkImage(image, (message) => fault(line, message));
    for (const step of steps) checkStep(step, { names, files, fault: (message) => fault(step.line, message) });
    names.push(name);
  }
  const last = stages.at(-1);
  if (last === undefined) return ['Dockerfile: no FROM'];
  checkFinal(last, (message, step) => fault(step?.line ?? last.line, message));
  return faults;
}

function checkImage(image: string, fault: (message: string) => void): void {
  const tag = /:([\w.-]+)(?:@sha256:[0-9a-f]{64})?$/.exec(image)?.[1];
  if (tag === undefined || tag === 'latest') fault(`${image}: no version is pinned`);
  if (/\/node:/.test(image) && tag?.startsWith(`${RUNTIME_VERSION}-`) !== true) {
    fault(`${image}: the executable holds Node.js ${RUNTIME_VERSION}`);
  }
}

interface Around {
  /** The stages before it. */
  readonly names: readonly (string | undefined)[];
  readonly files: readonly string[];
  readonly fault: (message: string) => void;
}

function checkStep({ keyword, flags, text, words }: Step, { names, files, fault }: Around): void {
  if (!KNOWN.has(keyword)) fault(`${keyword}: not expected here`);
  if (keyword === 'ENV' || keyword === 'ARG' || keyword === 'LABEL') {
    if (/(secret|token|passw|credential|api_?key)/i.test(text)) fault(`${keyword} names a secret: ${text}`);
  }
  if (keyword !== 'COPY') return;
  const from = flags['from'];
  if (from !== undefined) {
    if (!names.includes(from)) fault(`no stage before it is named ${from}`);
    return;
  }
  for (const source of words.slice(0, -1)) {
    if (!files.some((file) => file === source || file.startsWith(`${source}/`))) {
      fault(`${source} is not there, or .dockerignore leaves it out`);
    }
  }
}

/** The stage that is shipped: without a shell, so its commands are lists, and nothing is run in it. */
function checkFinal({ steps }: Stage, fault: (message: string, step?: Step) => void): void {
  const one = (keyword: string): Step | undefined => {
    const found = steps.filter((step) => step.keyword === keyword);
    if (found.length !== 1) fault(`expected one ${keyword} in the last stage`, found[1]);
    return found[0];
  };
  for (const step of steps.filter(({ keyword }) => keyword === 'RUN'))
    fault('there is no shell in the last stage', step);
  const user = one('USER');
  if (user !== undefined && !/^[1-9]\d*:[1-9]\d*$/.test(user.text)) fault('USER: expected numbers other than 0', user);
  for (const keyword of ['ENTRYPOINT', 'CMD', 'HEALTHCHECK']) {
    const step = one(keyword);
    if (step !== undefined && !isList(step.text.replace(/^CMD\s+/, '')))
      fault(`${keyword}: expected a list of words`, step);
  }
  if (one('EXPOSE')?.text !== '8080') fault('EXPOSE: expected 8080');
  if (one('VOLUME')?.text !== '/var/lib/outrider') fault('VOLUME: expected /var/lib/outrider');
  // The sidecar looks there for its configuration, which is not to come from a volume that somebody else has filled.
  if (one('WORKDIR')?.text !== '/') fault('WORKDIR: expected /');
  const labels = one('LABEL')?.text ?? '';
  for (const label of LABELS) if (!labels.includes(`${label}=`)) fault(`LABEL: ${label} is missing`);
}

function isList(text: string): boolean {
  try {
    const list: unknown = JSON.parse(text);
    return Array.isArray(list) && list.length > 0 && list.every((word) => typeof word === 'string');
  } catch {
    return false;
  }
}
