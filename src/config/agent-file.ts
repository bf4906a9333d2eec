import type { AgentSpec } from '../deploy/agent-spec.ts';
import type { Environment } from '../environment.ts';
import { advise } from './agent-file-advice.ts';
import { causesOf, switchedOff } from './agent-file-causes.ts';
import { findingsOf } from './agent-file-findings.ts';
import { checkRules } from './agent-file-rules.ts';
import { agentFileSchema } from './agent-file-schema.ts';
import { soundParts } from './agent-file-sound.ts';
import { specOf } from './agent-file-spec.ts';
import { type Unread, unreadKeys } from './agent-file-unread.ts';
import { check } from './check.ts';
import { ConfigError, type Fault, formatFault } from './faults.ts';
import type { Gathered } from './gather.ts';
import { type ObjectShape, objectShape } from './shape-tree.ts';
import { readYaml } from './yaml.ts';

export interface AgentFileOptions {
  /** Path, for the faults. */
  readonly file: string;
  readonly text: string;
  /** `OUTRIDER` (= `AGENTBREEDER_SIDECAR`) is read: it can switch the sidecar off. */
  readonly env: Environment;
}

export interface AgentFile {
  readonly spec: AgentSpec;
  /** What is accepted but will not work as written, a line each: `FILE:LINE:COLUMN: PATH: MESSAGE`. Hold no secret. */
  readonly warnings: readonly string[];
}

/** More than any real one, in UTF-16 code units. */
const LONGEST_FILE = 2 ** 20;

let shape: ObjectShape | undefined;

/** Reads an agent's file (`agent.yaml`). Throws `ConfigError` with every fault. */
export async function readAgentFile({ file, text, env }: AgentFileOptions): Promise<AgentFile> {
  if (text.length > LONGEST_FILE) throw new ConfigError([{ file, path: '', message: 'larger than 1 MiB' }]);
  shape ??= objectShape(agentFileSchema, 'in');
  const { root, faults, complete } = readYaml(text, file);
  const gathered: Gathered = { file, root, complete, faults, warnings: [] };
  const { parsed, written } = check(gathered, agentFileSchema, shape, []);
  const warnings: Fault[] = [];
  const findings = findingsOf(root, faults, warnings);
  checkRules(parsed ?? soundParts(written, shape), findings);
  const unread = unreadKeys(root, shape);
  if (parsed === undefined || faults.length > 0) throw new ConfigError([...faults, ...misspelt(unread, faults)]);

  const decided = { causes: causesOf(parsed, root), switchedOff: switchedOff(parsed, root, env) };
  const spec = specOf(parsed, written, decided, findings);
  advise(parsed, decided.causes, findings);
  warnings.push(...unread.map(({ fault }) => fault));
  return { spec, warnings: warnings.sort(byPlace).map(formatFault) };
}

/** What is missing may be one of these, under another spelling. */
function misspelt(unread: readonly Unread[], faults: readonly Fault[]): Fault[] {
  const told = new Set(faults.map(({ path }) => path));
  return unread.flatMap(({ near, fault }) => (near && !told.has(fault.path) ? [fault] : []));
}

function byPlace(one: Fault, other: Fault): number {
  return (one.line ?? 0) - (other.line ?? 0) || (one.column ?? 0) - (other.column ?? 0);
}
