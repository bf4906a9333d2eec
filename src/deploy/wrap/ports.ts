import { INBOUND_PORT } from '../plan.ts';
import { effectiveSteps } from './command.ts';
import { type Dockerfile, expand, type Step, unquote } from './dockerfile.ts';

export interface Ports {
  /** Where callers come in: what the file says to the sidecar, or sets PORT to, else 8080. Undefined where only the build knows it. */
  readonly inbound: number | undefined;
  /** What sets it, if the file does. */
  readonly setBy: Step | undefined;
  /** The file's own PORT, if it has one. */
  readonly variable: boolean;
  /** The first TCP port that the last stage exposes. */
  readonly exposed: { readonly port: number; readonly step: Step } | undefined;
  /** True where the inbound port is exposed already. */
  readonly done: boolean;
}

export function readPorts(file: Dockerfile): Ports {
  const steps = effectiveSteps(file);
  const values = variables(steps);
  const address = values.get('OUTRIDER_INBOUND_ADDR') ?? OF_THE_PLATFORM;
  const fixed = address !== OF_THE_PLATFORM;
  const text = fixed ? address.slice(address.lastIndexOf(':') + 1) : values.get('PORT');
  const inbound = text === undefined ? INBOUND_PORT : /^\d{1,5}$/.test(text) ? Number(text) : undefined;
  const last = file.stages.length - 1;
  const all = steps
    .filter(({ keyword }) => keyword === 'EXPOSE')
    .flatMap((step) => step.rest.split(/\s+/).map((word) => ({ step, word: unquote(word) })))
    .flatMap(({ step, word }) => {
      const [, port, protocol = 'tcp'] = /^(\d{1,5})(?:\/(\w+))?$/.exec(expand(word, values) ?? '') ?? [];
      return port === undefined || protocol.toLowerCase() !== 'tcp'
        ? []
        : [{ step, port: Number(port), literal: word.startsWith(port) }];
    });
  const own = all.find(({ step, literal }) => step.stage === last && literal);
  const done = all.some(({ port }) => port === inbound) || inbound === undefined;
  const setBy = setterOf(fixed ? 'OUTRIDER_INBOUND_ADDR' : 'PORT', steps);
  return { inbound, setBy, variable: values.has('PORT'), exposed: own, done };
}

/** The sidecar itself puts the platform's port in. */
export const OF_THE_PLATFORM = ':$PORT';

/** The instruction that has the last word on a variable. */
export function setterOf(name: string, steps: readonly Step[]): Step | undefined {
  return steps.findLast((step) => variables([step]).has(name));
}

/** Variables of the image, where the file says what they are. */
export function variables(steps: readonly Step[]): Map<string, string> {
  const values = new Map<string, string>();
  for (const { keyword, rest } of steps) {
    if (keyword !== 'ENV') continue;
    const [, old, oldValue] = /^(\w+)\s+([^=].*)$/.exec(rest) ?? [];
    const pairs =
      old === undefined
        ? [...rest.matchAll(/(?<!\w)(\w+)=((?:"(?:\\.|[^"\\])*"|'[^']*'|\\.|[^\s"'\\])*)/g)].map(
            ([, name = '', value = '']) => ({ name, value }),
          )
        : [{ name: old, value: oldValue ?? '' }];
    for (const { name, value } of pairs) {
      const literal = value.startsWith("'") ? unquote(value) : expand(unquote(value), values);
      // A name that is known, with a value that is not: nobody can say more before the build.
      values.set(name, literal ?? '$');
    }
  }
  return values;
}
