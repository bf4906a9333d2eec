import { safeParse } from 'zod';
import type { AgentFileValues } from './agent-file-schema.ts';
import type { Field, ObjectShape } from './shape-tree.ts';

type Deploy = NonNullable<AgentFileValues['deploy']>;
type Sidecar = NonNullable<Deploy['sidecar']>;
/** With holes where an entry is not right. */
type List<Value> =
  NonNullable<Value> extends readonly (infer Item)[] ? readonly (Item | undefined)[] | undefined : never;

/** What the rules between keys look at, as far as it is right on its own; a sound file is one of these as a whole. */
export interface Sound {
  readonly framework?: AgentFileValues['framework'];
  readonly runtime?: object | undefined;
  readonly guardrails?: List<AgentFileValues['guardrails']>;
  readonly mcp_servers?: List<AgentFileValues['mcp_servers']>;
  readonly a2a?: { readonly peers?: NonNullable<AgentFileValues['a2a']>['peers'] | undefined } | undefined;
  readonly deploy?:
    | {
        readonly scaling?: { readonly min?: number | undefined; readonly max?: number | undefined } | undefined;
        readonly env_vars?: Deploy['env_vars'];
        readonly secrets?: List<Deploy['secrets']>;
        readonly sidecar?:
          | {
              readonly agent_port?: Sidecar['agent_port'];
              readonly guardrails?: List<Sidecar['guardrails']>;
              readonly secrets?: List<Sidecar['secrets']>;
            }
          | undefined;
      }
    | undefined;
}

/** What is right of a file that is not: so that all of its faults can be told at once. `written`: as the validator read it. */
export function soundParts(written: unknown, shape: ObjectShape): Sound {
  // Each value came out of the schema of its own key, entry or item.
  return soundObject(written, shape) as Sound;
}

function soundObject(written: unknown, { fields }: ObjectShape): object | undefined {
  if (typeof written !== 'object' || written === null || Array.isArray(written)) return undefined;
  const entries = Object.entries(written).flatMap(([key, value]) => {
    const field = fields.get(key);
    const sound = field === undefined ? undefined : soundValue(value, field);
    return sound === undefined ? [] : [[key, sound]];
  });
  return Object.fromEntries(entries);
}

function soundValue(written: unknown, { schema, shape }: Field): unknown {
  const parsed = safeParse(schema, written);
  if (parsed.success) return parsed.data;
  if (shape.kind === 'object') return soundObject(written, shape);
  if (shape.kind === 'list' && Array.isArray(written)) {
    return written.map((item) => {
      const one = safeParse(schema, [item]);
      return one.success && Array.isArray(one.data) ? one.data[0] : undefined;
    });
  }
  if (shape.kind !== 'record' || typeof written !== 'object' || written === null) return undefined;
  const entries = Object.entries(written).flatMap(([key, value]) => {
    const one = safeParse(schema, { [key]: value });
    return one.success && typeof one.data === 'object' && one.data !== null ? Object.entries(one.data) : [];
  });
  return Object.fromEntries(entries);
}
