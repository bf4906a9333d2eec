import { AgentError, type AgentErrorCode } from './agent-error.ts';

/** What is wrong with one member. Holds nothing of what was sent: no value, and no name that the sender chose. */
export interface Fault {
  /** Such as `parts[0].data`; the entries of maps and of free JSON are `*`. Empty: the whole. */
  readonly path: string;
  readonly message: string;
}

/** Where a check stands: made only on the way down, read only when there is a fault. */
export interface Path {
  readonly above: Path | undefined;
  readonly key: string | number;
}

const MAX_FAULTS = 20;

/** Collects the faults of one value, and says how it is to be read. */
export class Faults {
  readonly found: Fault[] = [];
  /** What others answered is mended where it can be, rather than refused. */
  readonly lenient: boolean;

  constructor(lenient = false) {
    this.lenient = lenient;
  }

  get full(): boolean {
    return this.found.length >= MAX_FAULTS;
  }

  add(above: Path | undefined, key: string | number | undefined, message: string): void {
    if (!this.full) this.found.push({ path: written(key === undefined ? above : { above, key }), message });
  }
}

/** The error that tells them; the first stands in its message. */
export function faulty(code: AgentErrorCode, what: string, faults: readonly Fault[]): AgentError {
  const [first] = faults;
  const where = first === undefined ? '' : `: ${first.path === '' ? '' : `${first.path}: `}${first.message}`;
  return new AgentError(code, `${what}${where}`, { details: { faults } });
}

function written(path: Path | undefined): string {
  let text = '';
  for (let at = path; at !== undefined; at = at.above) {
    const step = typeof at.key === 'number' ? `[${at.key}]` : at.key;
    text = text === '' || text.startsWith('[') ? `${step}${text}` : `${step}.${text}`;
  }
  return text;
}
