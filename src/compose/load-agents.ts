import { stat } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';
import type { AgentDefinition } from '../agent/agent.ts';
import { ConfigError, type Fault } from '../config/faults.ts';
import { isAgentId } from '../contract/request.ts';
import { isObject } from '../protocols/jsonrpc.ts';

/** An agent as a module defines it. */
export interface LoadedAgent {
  readonly definition: AgentDefinition;
  /** The module. */
  readonly file: string;
}

const TEXTS = ['name', 'model', 'description'] as const;
const LONGEST_TEXT = 16_384;

/**
 * Loads modules, absolute paths, and gives the agents that they export: as `agents`, or by default, a list of definitions or a
 * single one. Throws `ConfigError` with every fault of all of them.
 */
export async function loadAgents(files: readonly string[]): Promise<LoadedAgent[]> {
  const faults: Fault[] = [];
  const loaded: LoadedAgent[] = [];
  for (const file of files) {
    const exported = await load(file, faults);
    if (exported === undefined) continue;
    for (const [index, value] of exported.values.entries()) {
      const path = exported.isList ? `${exported.name}[${index}]` : exported.name;
      if (isDefinition(value, { file, path }, faults)) loaded.push({ definition: value, file });
    }
  }
  if (faults.length > 0) throw new ConfigError(faults);
  return loaded;
}

interface Exported {
  /** Which export it was. */
  readonly name: string;
  readonly isList: boolean;
  readonly values: readonly unknown[];
}

async function load(file: string, faults: Fault[]): Promise<Exported | undefined> {
  const fail = (message: string): undefined => {
    faults.push({ file, path: '', message });
  };
  // Asked first, since a module that is not there and one that imports such a module fail alike.
  const found = await stat(file).catch(() => undefined);
  if (found === undefined) return fail('there is no such file');
  if (!found.isFile()) return fail('not a file');
  let exports: Record<string, unknown>;
  try {
    exports = await import(pathToFileURL(file).href);
  } catch (error) {
    // Whoever starts the host wants to know where the module went wrong.
    return fail(`cannot be loaded: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
  }
  const { agents, default: fallback } = exports;
  if (agents !== undefined) return exported('agents', agents);
  // What a CommonJS module exports by name may arrive as its default.
  const inner = isObject(fallback) ? fallback['agents'] : undefined;
  if (inner !== undefined) return exported('default.agents', inner);
  if (fallback !== undefined) return exported('default', fallback);
  return fail('exports no agents: expected `export const agents = [{ id, execute }]`, or the same by default');
}

function exported(name: string, value: unknown): Exported {
  return Array.isArray(value) ? { name, isList: true, values: value } : { name, isList: false, values: [value] };
}

function isDefinition(
  value: unknown,
  { file, path }: { file: string; path: string },
  faults: Fault[],
): value is AgentDefinition {
  const before = faults.length;
  const fault = (member: string, message: string): void => {
    faults.push({ file, path: member === '' ? path : `${path}.${member}`, message });
  };
  if (!isObject(value)) {
    fault('', 'expected an agent: { id, execute }');
    return false;
  }
  if (typeof value['id'] !== 'string' || !isAgentId(value['id'])) {
    fault('id', 'expected 1 to 128 letters, digits, ".", "_", "-", beginning with a letter or digit');
  }
  for (const member of TEXTS) {
    const text = value[member];
    if (text !== undefined && (typeof text !== 'string' || text.length > LONGEST_TEXT)) {
      fault(member, `expected text of at most ${LONGEST_TEXT} characters`);
    }
  }
  for (const member of ['execute', 'stream'] as const) {
    if (value[member] !== undefined && typeof value[member] !== 'function') fault(member, 'expected a function');
  }
  if (value['execute'] === undefined && value['stream'] === undefined) fault('', 'needs execute or stream');
  return faults.length === before;
}
