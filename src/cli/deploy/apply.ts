import type { ManifestTarget } from '../../deploy/target.ts';
import type { DeployDeps } from './deps.ts';
import { Failure } from './failure.ts';
import type { Manifest, Platform, RunProgram } from './platform/platform.ts';
import { findProgram, runProgram } from './program.ts';
import { unifiedDiff } from './unified-diff.ts';

export interface ApplyFlags {
  readonly yes?: boolean;
}

export interface ManifestToApply extends Manifest {
  readonly target: ManifestTarget;
}

const LOAD: Readonly<Record<ManifestTarget, () => Promise<Platform>>> = {
  compose: async () => (await import('./platform/compose.ts')).compose,
  kubernetes: async () => (await import('./platform/kubernetes.ts')).kubernetes,
  cloudrun: async () => (await import('./platform/cloudrun.ts')).cloudrun,
  ecs: async () => (await import('./platform/ecs.ts')).ecs,
  aca: async () => (await import('./platform/aca.ts')).aca,
  nomad: async () => (await import('./platform/nomad.ts')).nomad,
};

/** As shells have it for a command that is not there. */
const EXIT_NOT_INSTALLED = 127;

/** Shows what applying would change, asks, and applies. Gives the exit code of the platform's own program. */
export async function apply(manifest: ManifestToApply, { yes }: ApplyFlags, deps: DeployDeps): Promise<number> {
  const platform = await LOAD[manifest.target]();
  const path = findProgram(platform.program, deps.env);
  if (path === undefined) throw notInstalled(platform, manifest);
  const run = runner(path, deps);
  const preview = await platform.preview(manifest, run);
  if (preview.state === 'same') {
    deps.stderr.write('nothing would change, so nothing was applied\n');
    return 0;
  }
  if (yes !== true && !(await agrees(deps))) {
    deps.stderr.write('nothing was applied\n');
    return 1;
  }
  const code = await platform.apply(manifest, run, preview);
  const next = code === 0 ? platform.next?.(manifest) : undefined;
  if (next !== undefined) deps.stderr.write(`${next}\n`);
  return code;
}

function notInstalled(platform: Platform, manifest: ManifestToApply): Failure {
  const { target } = manifest;
  const file = `${target}.${target === 'ecs' || target === 'nomad' ? 'json' : 'yaml'}`;
  return new Failure(
    [
      `outrider: ${platform.program} is not installed (PATH has none). By hand: this command with -o ${file} in place of`,
      '--apply, and then, where it is installed:',
      ...platform.byHand(manifest, file).map((step) => `  ${step}`),
    ],
    EXIT_NOT_INSTALLED,
  );
}

function runner(path: string, deps: DeployDeps): RunProgram {
  const { env, cwd, stdout } = deps;
  return {
    shown: async (run) => (await runProgram(path, run, { env, cwd, output: 'shown' })).code,
    kept: (run) => runProgram(path, run, { env, cwd, output: 'kept' }),
    showDiff: (live, wanted) => {
      const sides = { from: { name: 'live', text: live }, to: { name: 'wanted', text: wanted } };
      stdout.write(unifiedDiff(sides, stdout, shortened));
    },
    show: (text) => void stdout.write(text),
  };
}

const LONGEST_LINE = 240;

/** What `eject` needs is one long line, which says nothing to people. */
function shortened(line: string): string {
  return line.length > LONGEST_LINE
    ? `${line.slice(0, LONGEST_LINE)} … (and ${line.length - LONGEST_LINE} more)`
    : line;
}

/** Anything but yes is no; so is the end of the input. */
async function agrees({ stdin, stderr }: DeployDeps): Promise<boolean> {
  if (stdin.isTTY !== true) {
    throw new Failure('nobody can be asked, because standard input is no terminal: say --yes to apply without asking');
  }
  stderr.write('Apply this? [y/N] ');
  // What a terminal gives at once is a line; its own line editing stays, and with it Ctrl-C.
  for await (const line of stdin) return /^\s*y(es)?\s*$/i.test(String(line));
  return false;
}
