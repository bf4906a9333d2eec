import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { Command, Option } from 'commander';
import type { DeployTarget } from '../../deploy/targets.ts';
import { readAgent } from '../deploy/agent-source.ts';
import { type ApplyFlags, apply } from '../deploy/apply.ts';
import { compare, troubleExit } from '../deploy/deliver.ts';
import { type DeployDeps, ofThisProcess } from '../deploy/deps.ts';
import { Failure, reported } from '../deploy/failure.ts';
import { image, port, targetOption, withPlanFlags } from '../deploy/flags.ts';
import { readText } from '../deploy/read-text.ts';
import { type RenderFlags, renderManifest } from '../deploy/render.ts';
import { replaceFile } from '../deploy/replace-file.ts';

interface DeployFlags extends RenderFlags, ApplyFlags {
  readonly target: DeployTarget;
  readonly output?: string;
  readonly check?: boolean;
  readonly apply?: boolean;
}

/** `outrider deploy`: a whole manifest from an agent's file, or, for the target `local`, the agent running here. */
export function deployCommand(deps: DeployDeps = ofThisProcess()): Command {
  const command = new Command('deploy')
    .description("make the platform's manifest from the file of an agent, and apply it if asked to")
    .usage('--target <target> [options] <agent.yaml> [-- WORDS...]')
    .argument('<agent.yaml>', "the agent's file; - for standard input")
    .argument('[words...]', "local: the command that starts the agent; with --apply: for the platform's own program")
    .addOption(targetOption())
    .addOption(new Option('--agent-image <image>', "the agent's image; default: NAME:VERSION").argParser(image))
    .addOption(new Option('--public-port <port>', 'where callers reach the agent; default: 8080').argParser(port))
    .option('-o, --output <file>', 'write the manifest there; default: standard output')
    .option('--check', 'write nothing; print how the file of -o differs, and exit 1 when it does')
    .option('--apply', "show what would change on the platform, ask, and hand it to the platform's own program")
    .option('--yes', 'with --apply: do not ask')
    .addHelpText('after', HELP);
  return withPlanFlags(command).action(async (file: string, words: string[], flags: DeployFlags) => {
    await reported(deps, troubleExit(flags), () => deploy(file, words, flags, deps));
  });
}

async function deploy(file: string, words: readonly string[], flags: DeployFlags, deps: DeployDeps): Promise<void> {
  const { target, output } = flags;
  checkFlags(flags, words);
  const agent = await readAgent(file, deps);
  if (target === 'local') {
    const { deployHere } = await import('../deploy/local/deploy-here.ts');
    return deps.setExitCode(await deployHere(agent, words, flags, deps));
  }
  const toFile = output !== undefined && output !== '-';
  if (toFile && isSameFile(resolve(deps.cwd, file), resolve(deps.cwd, output))) {
    throw new Failure(`-o ${output}: this is the agent's own file`);
  }
  const name = toFile ? output : flags.apply === true ? '<manifest>' : '<stdout>';
  const { text, documents } = await renderManifest(agent, { target, name, flags }, deps);
  if (flags.check === true) return compare(await readText(name, deps), text, deps);
  if (toFile) replaceFile(name, text, { cwd: deps.cwd });
  else if (flags.apply !== true) deps.stdout.write(text);
  if (flags.apply !== true) return;
  const { region } = agent.spec.deploy;
  const manifest = { target, text, documents, words, ...(region !== undefined && { region }) };
  deps.setExitCode(await apply(manifest, flags, deps));
}

function isSameFile(one: string, other: string): boolean {
  const [a, b] = [one, other].map((path) => statSync(path, { throwIfNoEntry: false, bigint: true }));
  return a !== undefined && a.ino === b?.ino && a.dev === b.dev;
}

function checkFlags({ target, output, check, apply, yes, ...rest }: DeployFlags, words: readonly string[]): void {
  if (check === true && (output === undefined || output === '-')) throw new Failure('--check needs the file: -o FILE');
  if (check === true && apply === true) throw new Failure('--check and --apply exclude each other');
  if (yes === true && apply !== true) throw new Failure('--yes answers what --apply asks: say --apply too');
  if (target !== 'local') {
    if (words.length === 0 || apply === true) return;
    throw new Failure(`${words[0]}: words behind the agent's file are for --target local, or for --apply`);
  }
  const manifestOnly = { '-o': output, '--check': check, '--apply': apply, ...onlyInManifests(rest) };
  const [flag] = Object.entries(manifestOnly).find(([, value]) => value !== undefined) ?? [];
  if (flag !== undefined) throw new Failure(`${flag} is about a manifest, and --target local has none`);
}

function onlyInManifests({ workload, container, secretStore, networkPolicy }: Partial<DeployFlags>): object {
  return {
    '--workload': workload,
    '--container': container,
    '--secret-store': secretStore,
    '--network-policy': networkPolicy,
  };
}

const HELP = `
The manifest goes to standard output, or to the file of -o, and what you should know of it to standard error.

--apply runs docker compose, kubectl, gcloud, aws, az or nomad: first to show what would change, then, once you have said
yes, to change it. Words behind -- go to it as they are, such as a context or a resource group. Its exit code is the code of
this command.

--target local runs the agent here and now with its sidecar before it, until Ctrl-C. What starts the agent is
runtime.entrypoint of its file, or the words behind --.

Examples:
  outrider deploy --target kubernetes agent.yaml --agent-image registry.example.com/support-agent:1.0.0 -o deploy.yaml
  outrider deploy --target cloudrun agent.yaml -o service.yaml --check
  outrider deploy --target kubernetes agent.yaml --apply -- --context staging
  outrider deploy --target local agent.yaml -- python agent.py

Exit codes: 0 done, 1 something cannot be used, or was not agreed to. With --check: 0 the file is as it should be, 1 it is
not, 2 something cannot be used.`;
