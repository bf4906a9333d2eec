import type { Json, Path } from '../json.ts';
import { makePlan } from '../make-plan.ts';
import type { Plan } from '../plan.ts';
import { shown } from '../shown.ts';
import { ManifestError, MOST_FAULTS, type Target } from '../target.ts';
import { type Documents, readDocuments } from './documents.ts';
import { type LineNote, ManifestTextError } from './line-note.ts';
import type { EjectRecord } from './record.ts';
import { strayChanges } from './stray-changes.ts';

export interface Ejection {
  readonly text: string;
  /** The same, read. */
  readonly given: Documents;
  readonly ejected: readonly Json[];
  /** What injecting made of `ejected`. */
  readonly injected: readonly Json[];
  readonly record: EjectRecord;
}

/** Throws `ManifestTextError` where a record changes what injecting never touches. */
export function checkRecord({ text, given, ejected, injected, record }: Ejection, target: Target, plan: Plan): void {
  const stray = (all: readonly (readonly Json[])[]) => strayChanges({ given: given.data, ejected, injected: all });
  // Once more with other options only where it matters: most files were injected as they are now.
  if (stray([injected]).length === 0) return;
  const others = [...planAsGiven(text, plan), ...otherPlans(plan, record)].flatMap(
    (other) => dataWith(target, ejected, other) ?? [],
  );
  const strays = stray([injected, ...others]);
  if (strays.length === 0) return;
  throw new ManifestTextError(strays.slice(0, MOST_FAULTS).map((path) => fault(given, path)));
}

/**
 * The same for an ejected text that is not injected again: with what the record says of the plan. Notes that it could not be
 * checked where that injection cannot be done, and what names the sidecar still. Their lines are those of `ejected`.
 */
export function checkEjected(
  { text, ejected, record }: { text: string; ejected: string; record: EjectRecord },
  target: Target,
  version: string,
): readonly LineNote[] {
  const plain = makePlan(undefined, { version, ...record.of });
  const bare = readDocuments(ejected);
  const before = bare.data;
  const left = (target.leftBehind?.(before) ?? []).map(({ document, path, message }) => {
    return { line: bare.lineOf(document, path), document: document + 1, message };
  });
  // The agent may stand where only the port that was chosen for it will do.
  const plans = [plain, ...named(text, plain)].flatMap((plan) => [plan, ...planAsGiven(text, plan)]);
  const done = plans.flatMap((plan) =>
    (dataWith(target, before, plan) ?? []).map((injected) => ({ injected, plan })),
  )[0];
  if (done === undefined) {
    const message = 'the record could not be checked, since what comes out cannot be injected: read what has changed';
    return [...left, { line: 0, document: 0, message }];
  }
  const given = readDocuments(text);
  checkRecord({ text, given, ejected: before, injected: done.injected, record }, target, done.plan);
  return left;
}

/** With the name that the sidecar in the text was told: it chooses the agent where several could be it. */
function named(text: string, plan: Plan): Plan[] {
  const agentName = /\bAGENT_NAME\b\W{1,40}(?:value\W{1,40})?([\w.-]{1,63})/.exec(text)?.[1];
  return agentName === undefined ? [] : [{ ...plan, agentName }];
}

/** With the ports that the sidecar in the text was told. */
function planAsGiven(text: string, plan: Plan): Plan[] {
  const agentPort = /OUTRIDER_AGENT_URL\W[^]{0,60}?http:\/\/127\.0\.0\.1:(\d{1,5})\b/.exec(text)?.[1];
  const inboundPort = /OUTRIDER_INBOUND_ADDR\W[^]{0,60}?['"\s]:(\d{1,5})\b/.exec(text)?.[1];
  if (agentPort === undefined) return [];
  const ports = { agentPort: Number(agentPort), inboundPort: Number(inboundPort ?? plan.inboundPort) };
  return [{ ...plan, ...ports, agentPortChosen: true }];
}

/** In a list; undefined where it cannot be done. */
function dataWith(target: Target, documents: readonly Json[], plan: Plan): (readonly Json[])[] | undefined {
  try {
    return [target.inject(documents, plan).documents];
  } catch (error) {
    if (!(error instanceof ManifestError)) throw error;
    return undefined;
  }
}

/** One that not everybody may listen on. */
const LOW_PORT = 80;
const DRAINS: readonly number[] = [1, 120, 3600];

/** What is changed by one set of options is left by another: a port that happens to be right, a policy that nobody asked for. */
function otherPlans(plan: Plan, { of }: EjectRecord): Plan[] {
  const [inboundPort, agentPort, port] = [18_231, 18_232, 18_233] as const;
  const more: Plan = {
    ...plan,
    image: of.image,
    secrets: [...new Set([...plan.secrets, 'OUTRIDER_LEDGER_TOKEN'])],
    mcpContainers: [{ name: 'outrider-mcp-of-another-plan', image: of.image, port }],
    record: 'outrider:record:',
  };
  return [
    { ...plan, networkPolicy: true },
    { ...plan, inboundPort },
    { ...plan, inboundPort: LOW_PORT },
    // Grace periods are raised, and left where they are long enough.
    ...DRAINS.map((drainSeconds) => ({ ...plan, drainSeconds })),
    { ...plan, agentPort, agentPortChosen: false },
    { ...plan, agentPort, agentPortChosen: true },
    more,
  ];
}

function fault(given: Documents, [document, ...path]: Path): LineNote {
  const index = Number(document);
  const message = `the record would change what injecting never touches (${placeText(path)}): take the file as it was from your version control`;
  return { line: given.lineOf(index, path), document: index + 1, message };
}

function placeText(path: Path): string {
  if (path.length === 0) return 'a whole document';
  return path
    .map((step, at) => (typeof step === 'number' ? `[${step}]` : `${at > 0 ? '.' : ''}${shown(step)}`))
    .join('');
}
