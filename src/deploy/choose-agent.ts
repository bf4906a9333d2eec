import { ManifestError, type Place } from './target.ts';

/** A container, service or task that could be the agent. */
export interface Candidate extends Place {
  readonly name: string;
}

export interface Choice {
  /** Where a fault goes when there is no candidate. */
  readonly at: Place;
  /** What a candidate is called on the platform, such as `container`. */
  readonly what: string;
  /** The flag that names one, such as `--container`. */
  readonly option: string;
  /** What that flag says. */
  readonly chosen: string | undefined;
  readonly agentName: string | undefined;
}

/** The agent: the one that was chosen, else the only one, else the one of the agent's name. Throws `ManifestError`. */
export function chooseAgent<T extends Candidate>(candidates: readonly T[], choice: Choice): T {
  const { at, what, option, chosen, agentName } = choice;
  const names = listed(candidates.map(({ name }) => name));
  const [first] = candidates;
  if (first === undefined) throw new ManifestError([{ ...at, message: `there is no ${what} that could be the agent` }]);
  if (chosen !== undefined) {
    const found = candidates.find(({ name }) => name === chosen);
    if (found !== undefined) return found;
    throw new ManifestError([{ ...at, message: `there is no ${what} ${chosen}: ${option} can name ${names}` }]);
  }
  if (candidates.length === 1) return first;
  const named = candidates.filter(({ name }) => name === agentName);
  if (named.length === 1 && named[0] !== undefined) return named[0];
  const count = candidates.length === 2 ? 'two' : candidates.length;
  const message = `${count} ${what}s could be the agent (${names}): choose with ${option}`;
  throw new ManifestError(candidates.slice(0, MOST_LISTED).map(({ document, path }) => ({ document, path, message })));
}

const MOST_LISTED = 20;

function listed(names: readonly string[]): string {
  const rest = names.length - MOST_LISTED;
  return [...names.slice(0, MOST_LISTED), ...(rest > 0 ? [`and ${rest} more`] : [])].join(', ');
}
