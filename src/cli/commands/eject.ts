import { Command } from 'commander';
import { deliver, troubleExit, type WriteFlags } from '../deploy/deliver.ts';
import { type DeployDeps, ofThisProcess } from '../deploy/deps.ts';
import { reported } from '../deploy/failure.ts';
import { readManifest } from '../deploy/read-manifest.ts';
import { ejected } from '../deploy/without-sidecar.ts';

/** `outrider eject`: takes the sidecar out of a manifest again. */
export function ejectCommand(deps: DeployDeps = ofThisProcess()): Command {
  return new Command('eject')
    .description('take the sidecar out of a manifest again')
    .argument('[manifest]', 'YAML or JSON; - or nothing for standard input')
    .option('--write', 'change the manifest in place')
    .addHelpText('after', HELP)
    .action(async (manifest: string | undefined, flags: WriteFlags) => {
      await reported(deps, troubleExit(flags), async () => {
        const file = await readManifest(manifest, flags, deps);
        deliver(file, await ejected(file, deps), flags, deps);
      });
    });
}

const HELP = `
Gives the manifest as it was before outrider inject, byte for byte; what people have changed in it since stays.

Examples:
  outrider eject --write deploy.yaml
  outrider eject < taskdef.json`;
