import { DockerfileParser, type Instruction, type ModifiableInstruction } from 'dockerfile-ast';

export interface Step {
  readonly keyword: string;
  /** From 1. */
  readonly line: number;
  /** `--from=build` as `from: build`. */
  readonly flags: Readonly<Record<string, string>>;
  /** What follows the flags, as it is written. */
  readonly text: string;
  readonly words: readonly string[];
}

export interface Stage {
  /** As `AS` names it; the last one has none. */
  readonly name: string | undefined;
  readonly image: string;
  readonly platform: string | undefined;
  readonly line: number;
  readonly steps: readonly Step[];
}

/** The stages of a Dockerfile, with the defaults of its global arguments in its FROM lines. */
export function parseDockerfile(text: string): Stage[] {
  const defaults: Record<string, string> = {};
  const stages: (Stage & { steps: Step[] })[] = [];
  for (const instruction of DockerfileParser.parse(text).getInstructions()) {
    const step = stepOf(instruction);
    if (step.keyword === 'FROM') stages.push(stageOf(step, defaults));
    else if (stages.length > 0) stages.at(-1)?.steps.push(step);
    else if (step.keyword === 'ARG') {
      const [name = '', value = ''] = step.text.split('=', 2);
      defaults[name] = value;
    } else throw new Error(`Dockerfile:${step.line}: ${step.keyword} before FROM`);
  }
  return stages;
}

function stepOf(instruction: Instruction): Step {
  const text = (instruction.getRawArgumentsContent() ?? '').trim();
  const flags = canHaveFlags(instruction) ? instruction.getFlags() : [];
  return {
    keyword: instruction.getKeyword(),
    line: instruction.getRange().start.line + 1,
    flags: Object.fromEntries(flags.map((flag) => [flag.getName(), flag.getValue() ?? ''])),
    text,
    words: text.replaceAll('\\\n', ' ').split(/\s+/),
  };
}

function canHaveFlags(instruction: Instruction): instruction is ModifiableInstruction {
  return 'getFlags' in instruction;
}

function stageOf({ line, flags, words }: Step, defaults: Record<string, string>): Stage & { steps: Step[] } {
  const [image = '', as, name] = words;
  return {
    image: image.replace(/\$\{?(\w+)\}?/g, (_, variable: string) => defaults[variable] ?? ''),
    name: as?.toUpperCase() === 'AS' ? name : undefined,
    platform: flags['platform'],
    line,
    steps: [],
  };
}
