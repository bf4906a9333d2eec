import { Command } from 'commander';
import { makePlan } from '../../deploy/make-plan.ts';
import { type DeployTarget, LOAD_TARGET } from '../../deploy/targets.ts';
import { isSameBesidesRecord } from '../../deploy/text/record-text.ts';
import { readAgent, whyNoSidecar } from '../deploy/agent-source.ts';
import { deliver, troubleExit, type WriteFlags } from '../deploy/deliver.ts';
import { type DeployDeps, ofThisProcess } from '../deploy/deps.ts';
import { Failure, reported } from '../deploy/failure.ts';
import { checkPlanFlags, type PlanFlags, planOptions, targetOption, withPlanFlags } from '../deploy/flags.ts';
import { injectInto } from '../deploy/manifest-text.ts';
import { readManifest } from '../deploy/read-manifest.ts';
import { withoutSidecar } from '../deploy/without-sidecar.ts';

interface InjectFlags extends PlanFlags, WriteFlags {
  readonly target: DeployTarget;
  readonly agent?: string;
}

/** `outrider inject`: puts the sidecar into a manifest that is there already. */
export function injectCommand(deps: DeployDeps = ofThisProcess()): Command {
  const command = new Command('inject')
    .description('put the sidecar into a manifest')
    .argument('[manifest]', 'YAML or JSON; - or nothing for standard input')
    .addOption(targetOption())
    .option('--agent <file>', "the agent's file (agent.yaml); without it the manifest's own names are used")
    .option('--write', 'change the manifest in place')
    .option('--check', 'change nothing; print what would change, and exit 1 when something would')
    .addHelpText('after', HELP);
  return withPlanFlags(command).action(async (manifest: string | undefined, flags: InjectFlags) => {
    await reported(deps, troubleExit(flags), () => inject(manifest, flags, deps));
  });
}

async function inject(manifest: string | undefined, flags: InjectFlags, deps: DeployDeps): Promise<void> {
  const { target } = flags;
  if (target === 'local') {
    throw new Failure('local has no manifest: outrider deploy --target local AGENT_FILE runs the agent here');
  }
  if (flags.agent === '-' && (manifest ?? '-') === '-') {
    throw new Failure('standard input can be the manifest or the file of the agent, not both');
  }
  const agent = flags.agent === undefined ? undefined : await readAgent(flags.agent, deps);
  const file = await readManifest(manifest, flags, deps);
  const noSidecar = whyNoSidecar(agent, deps.env);
  const plan = noSidecar === undefined ? makePlan(agent?.spec, planOptions(flags, deps.version)) : undefined;
  if (plan === undefined) {
    if (noSidecar !== undefined) deps.stderr.write(`${noSidecar}\n`);
    return deliver(file, await withoutSidecar(file, deps), flags, deps);
  }
  checkPlanFlags(flags, target, deps);
  const after = injectInto(file.name, file.text, { target: await LOAD_TARGET[target](), plan }, deps);
  const isUpToDate = flags.check === true && isSameBesidesRecord(file.text, after);
  deliver(file, isUpToDate ? file.text : after, flags, deps);
}

const HELP = `
The manifest goes to standard output, and what you should know of it to standard error. Injecting twice changes nothing;
outrider eject takes the sidecar out again and gives the original. When the file of the agent asks for no sidecar, the
manifest comes out without one.

Examples:
  outrider inject --target kubernetes --agent agent.yaml deploy.yaml | kubectl apply -f -
  helm template support-agent ./chart | outrider inject --target kubernetes --agent agent.yaml
  outrider inject --target compose --write compose.yaml
  outrider inject --target ecs --agent agent.yaml --check taskdef.json

Exit codes: 0 done, 1 the manifest or the file of the agent cannot be used. With --check: 0 nothing would change,
1 something would, 2 something cannot be used.`;
