import { DockerfileParser, type Instruction } from 'dockerfile-ast';

/** An instruction of a Dockerfile, with where it stands. */
export interface Step {
  /** In capital letters. */
  readonly keyword: string;
  /** What stands behind the keyword: without comments between its lines, its lines joined. */
  readonly rest: string;
  /** From 1. */
  readonly line: number;
  /** Offsets in the text. */
  readonly start: number;
  readonly end: number;
  /** Index of its stage. */
  readonly stage: number;
  readonly node: Instruction;
}

export interface Stage {
  /** In small letters, as names are compared. */
  readonly name: string | undefined;
  /** With the build's arguments in it, as far as they have defaults; undefined where one has none. */
  readonly image: string | undefined;
  readonly from: Step;
  readonly steps: readonly Step[];
}

export interface Dockerfile {
  readonly text: string;
  readonly escape: string;
  readonly eol: '\n' | '\r\n';
  readonly stages: readonly Stage[];
}

export function readDockerfile(text: string): Dockerfile {
  const tree = DockerfileParser.parse(text);
  const escape = tree.getEscapeCharacter();
  const starts = lineStarts(text);
  const offset = ({ line, character }: { line: number; character: number }) =>
    (starts[line] ?? text.length) + character;
  const stages: { name: string | undefined; image: string | undefined; from: Step; steps: Step[] }[] = [];
  const defaults = new Map<string, string>();
  for (const node of tree.getInstructions()) {
    const range = node.getRange();
    const [start, end] = [offset(range.start), offset(range.end)];
    const keyword = node.getKeyword();
    const rest = joined(text.slice(start, end), escape)
      .replace(/^\S+\s*/, '')
      .trimEnd();
    const stage = keyword === 'FROM' ? stages.length : stages.length - 1;
    const step: Step = { keyword, rest, line: range.start.line + 1, start, end, stage, node };
    if (keyword === 'FROM') stages.push({ ...readFrom(rest, defaults), from: step, steps: [] });
    else if (stages.length > 0) stages.at(-1)?.steps.push(step);
    else if (keyword === 'ARG') addDefaults(rest, defaults);
  }
  return { text, escape, eol: text.includes('\r\n') ? '\r\n' : '\n', stages };
}

/** The last stage, which is what is built, behind those of the file that it is built on; and the image beneath them. */
export function lineage({ stages }: Dockerfile): {
  readonly stages: readonly Stage[];
  readonly base: string | undefined;
} {
  const line: Stage[] = [];
  let wanted: string | undefined;
  // A stage is built on one that stands before it, so that one way back finds them all.
  for (const stage of stages.toReversed()) {
    if (line.length > 0 && (stage.name === undefined || stage.name !== wanted?.toLowerCase())) continue;
    line.push(stage);
    wanted = stage.image;
  }
  return { stages: line.toReversed(), base: wanted };
}

/** `${NAME}`, `$NAME` and `${NAME:-default}` with values put in; undefined where one has none. */
export function expand(text: string, values: ReadonlyMap<string, string>): string | undefined {
  let known = true;
  const result = text.replaceAll(
    /\$(?:\{(\w+)(?::?-([^}]*))?\}|(\w+))/g,
    (_, braced: string, standard: string, plain: string) => {
      const value = values.get(braced ?? plain) ?? standard;
      known &&= value !== undefined;
      return value ?? '';
    },
  );
  return known && !result.includes('${') ? result : undefined;
}

function readFrom(rest: string, defaults: ReadonlyMap<string, string>) {
  const [image = '', as, name] = rest.split(/\s+/).filter((word) => !word.startsWith('--'));
  return {
    image: expand(unquote(image), defaults),
    name: as?.toLowerCase() === 'as' ? name?.toLowerCase() : undefined,
  };
}

function addDefaults(rest: string, defaults: Map<string, string>): void {
  for (const [, name = '', value = ''] of rest.matchAll(/(?<!\w)(\w+)=("[^"]*"|'[^']*'|\S*)/g)) {
    const known = expand(unquote(value), defaults);
    if (known !== undefined) defaults.set(name, known);
  }
}

export function unquote(text: string): string {
  return text.replace(/^(["'])(.*)\1$/s, '$2');
}

/** Lines of one instruction as the builder joins them: comments and empty lines between them are nothing. */
function joined(text: string, escape: string): string {
  const continued = escape === '`' ? /(?<!`)`[ \t]*$/ : /(?<!\\)\\[ \t]*$/;
  return text
    .split(/\r?\n/)
    .filter((line, index) => index === 0 || !/^\s*(#|$)/.test(line))
    .map((line) => line.replace(continued, ''))
    .join('');
}

function lineStarts(text: string): number[] {
  return [0, ...[...text.matchAll(/\n/g)].map(({ index }) => index + 1)];
}
