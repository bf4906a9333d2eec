import type { Edit } from './text/edit.ts';
import { ManifestTextError } from './text/line-note.ts';
import { effectiveSteps, type Starts, writeWords } from './wrap/command.ts';
import type { Dockerfile } from './wrap/dockerfile.ts';
import { setterOf, variables } from './wrap/ports.ts';
import { behindRun, FROM, type Wrapped } from './wrap/wrapped.ts';

export interface Changes {
  readonly image: string;
  readonly entrypoint?: readonly string[];
  readonly agentPort?: number;
}

/** What the options of another run change in a file that was wrapped before. Throws `ManifestTextError`. */
export function changeEdits(file: Dockerfile, wrapped: Wrapped, starts: Starts, changes: Changes): Edit[] {
  return [
    ...upgradeEdits(file, wrapped, changes.image),
    ...(changes.agentPort === undefined ? [] : urlEdits(file, wrapped, changes.agentPort)),
    ...(changes.entrypoint === undefined ? [] : entrypointEdits(wrapped, starts, changes.entrypoint)),
  ];
}

/** The sidecar's image in every instruction that takes something from it. */
function upgradeEdits({ text }: Dockerfile, { copies, image }: Wrapped, to: string): Edit[] {
  if (image === to) return [];
  return copies.map(({ start, end }) => ({ start, end, text: text.slice(start, end).replace(FROM, to) }));
}

/** What tells the sidecar where the agent listens. */
export function agentUrl(port: number): string {
  return `ENV OUTRIDER_AGENT_URL=http://127.0.0.1:${port}`;
}

function urlEdits(file: Dockerfile, { start }: Wrapped, port: number): Edit[] {
  const steps = effectiveSteps(file);
  const step = setterOf('OUTRIDER_AGENT_URL', steps);
  const line = agentUrl(port);
  if (step === undefined) {
    const before = setterOf('OUTRIDER_INBOUND_ADDR', steps);
    return before?.stage === start.step.stage && before.end < start.step.start
      ? [{ start: before.end, end: before.end, text: `${file.eol}${line}` }]
      : [{ start: start.step.start, end: start.step.start, text: `${line}${file.eol}` }];
  }
  if (variables(steps).get('OUTRIDER_AGENT_URL') === `http://127.0.0.1:${port}`) return [];
  if (variables([step]).size === 1) return [{ start: step.start, end: step.end, text: line }];
  throw refused(step.line, `OUTRIDER_AGENT_URL stands here with others: say http://127.0.0.1:${port} in it by hand`);
}

function entrypointEdits({ start }: Wrapped, { cmd }: Starts, entrypoint: readonly string[]): Edit[] {
  const { step, words, shell } = start;
  const at = behindRun(words);
  if (shell || step.keyword !== 'ENTRYPOINT') {
    throw refused(step.line, 'the image starts outrider run by hand here: say there what --entrypoint says');
  }
  if (JSON.stringify(words.slice(at)) === JSON.stringify(entrypoint)) return [];
  if (entrypoint.length === 0 && cmd === undefined) {
    throw refused(step.line, 'the image starts nothing: there is no CMD either');
  }
  return [
    { start: step.start, end: step.end, text: `ENTRYPOINT ${writeWords([...words.slice(0, at), ...entrypoint])}` },
  ];
}

function refused(line: number, message: string): ManifestTextError {
  return new ManifestTextError([{ line, document: 1, message }]);
}
