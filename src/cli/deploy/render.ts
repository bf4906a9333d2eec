import type { AgentSpec } from '../../deploy/agent-spec.ts';
import type { Json } from '../../deploy/json.ts';
import { makePlan } from '../../deploy/make-plan.ts';
import { renderText } from '../../deploy/render-text.ts';
import { ManifestError, type ManifestTarget, type RenderOptions, type Target } from '../../deploy/target.ts';
import { LOAD_TARGET } from '../../deploy/targets.ts';
import { readDocuments } from '../../deploy/text/documents.ts';
import { type AgentSource, whyNoSidecar } from './agent-source.ts';
import type { DeployDeps } from './deps.ts';
import { Failure } from './failure.ts';
import { checkPlanFlags, type PlanFlags, planOptions } from './flags.ts';
import { injectInto } from './manifest-text.ts';

export interface RenderFlags extends PlanFlags {
  readonly agentImage?: string;
  readonly publicPort?: number;
}

export interface Rendered {
  readonly text: string;
  readonly documents: readonly Json[];
}

/** Where callers reach the agent, if nobody says. */
export const PUBLIC_PORT = 8080;

/** A whole manifest of the agent, with its sidecar if it asks for one. `name`: what messages call the manifest. */
export async function renderManifest(
  agent: AgentSource,
  { target: targetName, name, flags }: { target: ManifestTarget; name: string; flags: RenderFlags },
  deps: DeployDeps,
): Promise<Rendered> {
  checkPlanFlags(flags, targetName, deps);
  const target = await LOAD_TARGET[targetName]();
  const { secretStore, publicPort = PUBLIC_PORT } = flags;
  const options = {
    agentImage: imageOf(agent, flags, deps),
    publicPort,
    ...(secretStore !== undefined && { secretStore }),
  };
  const alone = renderText(target, renderAlone(target, agent, options));
  const noSidecar = whyNoSidecar(agent, deps.env);
  if (noSidecar !== undefined) deps.stderr.write(`${noSidecar}\n`);
  const plan = makePlan(agent.spec, planOptions(flags, deps.version));
  const text = plan === undefined ? alone : injectInto(name, alone, { target, plan }, deps);
  return { text, documents: readDocuments(text).data };
}

function renderAlone(target: Target, { file, spec }: AgentSource, options: RenderOptions): readonly Json[] {
  try {
    return target.render(spec, options);
  } catch (error) {
    if (!(error instanceof ManifestError)) throw error;
    throw new Failure(error.faults.map(({ message }) => `${file}: ${message}`));
  }
}

function imageOf({ file, spec }: AgentSource, { agentImage }: RenderFlags, deps: DeployDeps): string {
  if (agentImage !== undefined) return agentImage;
  if (spec.version === undefined) {
    throw new Failure(`${file}: it has no version to name an image by: say --agent-image IMAGE`);
  }
  const image = imageByName(spec, spec.version);
  deps.stderr.write(`${file}: note: the agent's image is taken to be ${image}; --agent-image names another\n`);
  return image;
}

/** A tag has no `+`, which a version may have (semver.org, item 10). */
function imageByName({ name }: AgentSpec, version: string): string {
  return `${name}:${version.replaceAll('+', '-')}`;
}
