import { commandFindings } from './containers.ts';
import { AGENT_PORT, DATA_DIR, HELPER_PORTS, SIDECAR_PROGRAM } from './plan.ts';
import type { Note } from './target.ts';
import { applyEdits, type Edit } from './text/edit.ts';
import type { Injected } from './text/inject-text.ts';
import { type LineNote, ManifestTextError } from './text/line-note.ts';
import { type Base, knownBase } from './wrap/base.ts';
import { effectiveSteps, readStarts, readWords, type Start, type Starts, writeWords } from './wrap/command.ts';
import { type Dockerfile, lineage, readDockerfile, type Step } from './wrap/dockerfile.ts';
import { OF_THE_PLATFORM, type Ports, readPorts, variables } from './wrap/ports.ts';
import { behindRun, findWrapped, type Wrapped } from './wrap/wrapped.ts';
import { agentUrl, changeEdits } from './wrap-again.ts';

export interface WrapOptions {
  /** The sidecar's, pinned: the executable is taken from it. */
  readonly image: string;
  /** What the image starts before its CMD, where the file does not say so. */
  readonly entrypoint?: readonly string[];
  /** Where the agent listens, where it cannot be told. */
  readonly agentPort?: number;
}

const LIBRARY = '/usr/lib/libatomic.so.1';
/** Nobody writes a longer one. */
const MOST_CHARACTERS = 2 ** 20;
/** What `outrider run` hands on, or ends by. */
const SIGNALS: ReadonlySet<string> = new Set(['SIGTERM', 'SIGINT', 'SIGHUP', '15', '2', '1']);

/**
 * A Dockerfile whose image starts `outrider run -- COMMAND` where it started COMMAND: agent and sidecar in one container. One
 * that does so already gets the image of the options, and what else they say. What is not about that stays byte for byte. Throws `ManifestTextError`.
 */
export function wrapDockerfile(text: string, options: WrapOptions): Injected {
  if (text.length > MOST_CHARACTERS) fail(0, 'larger than 1 MiB, which no Dockerfile is');
  const file = readDockerfile(text);
  const { stages, base: image } = lineage(file);
  const last = stages.at(-1);
  if (last === undefined) fail(0, 'this is no Dockerfile: it has no FROM');
  const starts = readStarts(file);
  const wrapped = findWrapped(starts, effectiveSteps(file));
  if (wrapped !== undefined) return wrapAgain(file, wrapped, starts, options);

  const root = stages[0]?.from ?? last.from;
  const base: Base = image === undefined ? { libraries: '/usr/lib/' } : knownBase(image);
  if (base.fault !== undefined) fail(root.line, base.fault);
  const entrypoint = entrypointOf(starts, { options, base, image, line: root.line });
  const ports = readPorts(file);
  const first = { words: entrypoint, line: starts.entrypoint?.step.line ?? root.line };
  const seen = portNotes(first, starts, ports, options);

  const own = (start: Start | undefined) => (start?.step.stage === file.stages.length - 1 ? start.step : undefined);
  const lines = block(file, { options, base, ports, entrypoint, starts });
  const at = own(starts.entrypoint);
  const edits: Edit[] = [
    ...exposeEdits(text, ports),
    ...healthEdits(file),
    at === undefined
      ? insertion(file, own(starts.cmd), lines)
      : { start: at.start, end: at.end, text: lines.join(file.eol) },
  ];
  return {
    text: applyEdits(text, edits),
    notes: [...seen, ...notesOf(file, { base, image, root, ports, options, starts })],
  };
}

function wrapAgain(file: Dockerfile, wrapped: Wrapped, starts: Starts, options: WrapOptions): Injected {
  const { step, words } = wrapped.start;
  if (wrapped.copies.length === 0) {
    fail(step.line, 'the image starts outrider run already, but no COPY --from brings it: change the version there');
  }
  const first = { words: options.entrypoint ?? words.slice(behindRun(words)), line: step.line };
  const rest = { ...starts, cmd: step === starts.cmd?.step ? undefined : starts.cmd };
  const notes = options.agentPort === undefined ? [] : portNotes(first, rest, readPorts(file), options);
  return { text: applyEdits(file.text, changeEdits(file, wrapped, starts, options)), notes };
}

interface Known {
  readonly options: WrapOptions;
  readonly base: Base;
  readonly image: string | undefined;
  /** Of the FROM that names the image. */
  readonly line: number;
}

function entrypointOf({ entrypoint, cmd }: Starts, { options, base, image, line }: Known): readonly string[] {
  const from = image ?? 'the base image';
  const inspect = `docker image inspect --format '{{json .Config.Entrypoint}} {{json .Config.Cmd}}' ${image ?? 'IMAGE'}`;
  if (options.entrypoint === undefined && entrypoint === undefined && cmd === undefined) {
    fail(
      line,
      `what the image starts comes from ${from}, which this file does not show: say all of it, such as --entrypoint '["python", "app.py"]' (${inspect})`,
    );
  }
  const words = options.entrypoint ?? entrypoint?.words ?? base.entrypoint;
  if (words === undefined) {
    fail(
      line,
      `the entrypoint comes from ${from}, which this file does not show: say it with --entrypoint, or --entrypoint '[]' where it has none (${inspect})`,
    );
  }
  if (words.length === 0 && cmd === undefined)
    fail(entrypoint?.step.line ?? line, 'the image starts nothing: there is no CMD either');
  return words;
}

interface Command {
  readonly words: readonly string[];
  readonly line: number;
}

/** Of the ports that commands name. Throws `ManifestTextError` where a port cannot be had. */
function portNotes(entrypoint: Command, starts: Starts, ports: Ports, options: WrapOptions): LineNote[] {
  const { cmd } = starts;
  const { agentPort } = options;
  const port = agentPort ?? AGENT_PORT;
  const { inbound, setBy, exposed } = ports;
  const line = setBy?.line ?? (exposed?.port === inbound ? exposed?.step.line : undefined) ?? 0;
  if (inbound !== undefined && HELPER_PORTS.includes(inbound)) {
    fail(line, `callers cannot have port ${inbound}: the helpers listen there; choose another here`);
  }
  if (port === inbound) {
    const which =
      setBy === undefined ? 'choose another with --agent-port' : 'choose another here, or with --agent-port';
    fail(line, `the agent cannot listen on ${port}: callers use that port, so the sidecar listens there; ${which}`);
  }
  if (HELPER_PORTS.includes(port)) {
    fail(0, `the agent cannot listen on ${port}: it is a port of the sidecar's; choose another with --agent-port`);
  }
  // A shell that is given its command takes no arguments from CMD.
  const args =
    cmd === undefined || (options.entrypoint === undefined && starts.entrypoint?.shell === true)
      ? []
      : [{ words: cmd.words, line: cmd.step.line }];
  const commands = [entrypoint, ...args];
  const { faults, notes } = commandFindings(
    { inboundPort: inbound, agentPort: port, declared: agentPort === undefined ? exposed?.port : undefined },
    commands.map(({ words }, index) => ({ document: 0, path: [index], words })),
    agentPort !== undefined || setBy !== undefined || exposed !== undefined,
  );
  const placed = ({ path: [index], message }: Note): LineNote => {
    return { line: commands[Number(index)]?.line ?? 0, document: 1, message };
  };
  if (faults.length > 0) throw new ManifestTextError(faults.map(placed));
  return notes.map(placed);
}

interface Block {
  readonly options: WrapOptions;
  readonly base: Base;
  readonly ports: Ports;
  readonly entrypoint: readonly string[];
  readonly starts: Starts;
}

function block(file: Dockerfile, { options, base, ports, entrypoint, starts }: Block): string[] {
  const steps = effectiveSteps(file);
  const set = variables(steps);
  const user = steps.findLast(({ keyword }) => keyword === 'USER')?.rest ?? base.user;
  const isRoot = user === undefined || ROOT.test(user);
  const last = file.stages.length - 1;
  const health = steps.findLast(({ keyword }) => keyword === 'HEALTHCHECK');
  const { cmd } = starts;
  return [
    `COPY --from=${options.image} ${SIDECAR_PROGRAM} ${SIDECAR_PROGRAM}`,
    `COPY --from=${options.image} ${LIBRARY} ${base.libraries}`,
    ...(isRoot ? [] : [`COPY --from=${options.image} --chown=${user} ${DATA_DIR}/ ${DATA_DIR}/`]),
    // The builder leaves what stands in single quotes alone: the sidecar itself puts the platform's port in.
    ...(set.has('OUTRIDER_INBOUND_ADDR') ? [] : [`ENV OUTRIDER_INBOUND_ADDR='${OF_THE_PLATFORM}'`]),
    ...(options.agentPort === undefined ? [] : [agentUrl(options.agentPort)]),
    ...(ports.done || ports.exposed !== undefined ? [] : [`EXPOSE ${ports.inbound}`]),
    ...(health?.stage === last ? [] : [health === undefined ? HEALTH : `HEALTHCHECK ${ownCheck(health.rest)}`]),
    `ENTRYPOINT ${writeWords([SIDECAR_PROGRAM, 'run', '--', ...entrypoint])}`,
    // The entrypoint takes away the command of what this stage is built on.
    ...(cmd !== undefined && cmd.step.stage < last ? [`CMD ${writeWords(cmd.words)}`] : []),
  ];
}

const ROOT = /^(root|0)(:|$)/;

const HEALTH = `HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 CMD ${writeWords([SIDECAR_PROGRAM, 'healthcheck'])}`;

/** A check of the agent's becomes the sidecar's question whether the agent can be called; how often is kept. */
function ownCheck(rest: string): string {
  const [flags = ''] = /^(?:--\S+\s+)*/.exec(rest) ?? [];
  if (/^NONE$/i.test(rest.slice(flags.length))) return rest;
  return `${flags.replaceAll(/\s+/g, ' ')}CMD ${writeWords([SIDECAR_PROGRAM, 'healthcheck', '--ready'])}`;
}

function healthEdits(file: Dockerfile): Edit[] {
  const health = effectiveSteps(file).findLast(({ keyword }) => keyword === 'HEALTHCHECK');
  if (health === undefined || health.stage < file.stages.length - 1) return [];
  const check = ownCheck(health.rest);
  return check === health.rest ? [] : [{ start: health.start, end: health.end, text: `HEALTHCHECK ${check}` }];
}

/** The sidecar's port is what the image offers; others that it exposes stay. */
function exposeEdits(text: string, { exposed, inbound, done }: Ports): Edit[] {
  if (exposed === undefined || inbound === undefined || exposed.port === inbound) return [];
  const { start, end, rest } = exposed.step;
  const words = rest.split(/\s+/);
  const index = words.findIndex((word) => new RegExp(`^["']?${exposed.port}(/tcp)?["']?$`, 'i').test(word));
  const left = done ? words.toSpliced(index, 1) : words.with(index, String(inbound));
  if (left.length > 0) return [{ start, end, text: `EXPOSE ${left.join(' ')}` }];
  // Nothing is left of the line.
  return [{ start, end: end + (/^\r?\n/.exec(text.slice(end, end + 2))?.[0].length ?? 0), text: '' }];
}

/** Before the command, else at the end. */
function insertion({ text, eol }: Dockerfile, cmd: Step | undefined, lines: readonly string[]): Edit {
  const all = lines.join(eol);
  if (cmd !== undefined) return { start: cmd.start, end: cmd.start, text: `${all}${eol}` };
  const open = text.endsWith('\n') ? '' : eol;
  return { start: text.length, end: text.length, text: `${open}${all}${open === '' ? eol : ''}` };
}

interface Noted {
  readonly base: Base;
  readonly image: string | undefined;
  readonly root: Step;
  readonly ports: Ports;
  readonly options: WrapOptions;
  readonly starts: Starts;
}

function notesOf(file: Dockerfile, { base, image, root, ports, options, starts }: Noted): LineNote[] {
  const steps = effectiveSteps(file);
  const notes: (readonly [number, string])[] = [];
  if (image === undefined) {
    notes.push([
      root.line,
      'the base is known only when the image is built: it must have glibc and libstdc++, which Alpine and scratch have not',
    ]);
  }
  if (base.user === undefined && !steps.some(({ keyword }) => keyword === 'USER')) {
    notes.push([
      root.line,
      `${image ?? 'the base'} may not run as root, which its name does not tell: then say its user with USER, so that ${DATA_DIR} becomes its own`,
    ]);
  }
  const { exposed, inbound } = ports;
  const told = ports.variable || (ports.setBy !== undefined && exposed?.port === inbound);
  if (exposed !== undefined && options.agentPort === undefined && !told && exposed.port !== AGENT_PORT) {
    const instead =
      exposed.port === inbound ? 'give it another port and say --agent-port' : `say --agent-port ${exposed.port}`;
    notes.push([
      exposed.step.line,
      `the agent listened on ${exposed.port}: it is told by PORT and HOST to listen on 127.0.0.1:${AGENT_PORT} now; if it does not read them, ${instead}`,
    ]);
  }
  for (const start of [starts.entrypoint, starts.cmd]) {
    if (start?.shell === true && start.step.rest.startsWith('[')) {
      notes.push([
        start.step.line,
        `this is no JSON, so that a shell reads it: ${start.step.keyword} needs double quotes`,
      ]);
    }
  }
  const signal = steps.findLast(({ keyword }) => keyword === 'STOPSIGNAL');
  if (signal !== undefined && !SIGNALS.has(signal.rest.toUpperCase())) {
    notes.push([
      signal.line,
      `the sidecar does not end on ${signal.rest}: remove STOPSIGNAL, so that the image is stopped with SIGTERM`,
    ]);
  }
  for (const step of steps.filter(
    ({ keyword, rest }) => keyword === 'ONBUILD' && /^(ENTRYPOINT|CMD|HEALTHCHECK)\b/i.test(rest),
  )) {
    notes.push([
      step.line,
      'an image that is built on this one gets what ONBUILD says, and with it no sidecar: wrap that one',
    ]);
  }
  notes.push([0, 'where the image runs, set AGENT_NAME and, from a secret, AGENT_AUTH_TOKEN']);
  return notes.sort(([a], [b]) => a - b).map(([line, message]) => ({ line, document: 1, message }));
}

/** The words of `--entrypoint`. Undefined where it is no list of them in JSON. */
export function readEntrypoint(text: string): readonly string[] | undefined {
  return readWords(text.trim());
}

function fail(line: number, message: string): never {
  throw new ManifestTextError([{ line, document: 1, message }]);
}
