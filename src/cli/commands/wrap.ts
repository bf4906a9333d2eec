import { Command, InvalidArgumentError } from 'commander';
import { defaultImage } from '../../deploy/image.ts';
import { readEntrypoint, type WrapOptions, wrapDockerfile } from '../../deploy/wrap.ts';
import { deliver, troubleExit, type WriteFlags } from '../deploy/deliver.ts';
import { type DeployDeps, ofThisProcess } from '../deploy/deps.ts';
import { reported } from '../deploy/failure.ts';
import { image, port } from '../deploy/flags.ts';
import { changed } from '../deploy/manifest-text.ts';
import { readManifest } from '../deploy/read-manifest.ts';

interface WrapFlags extends WriteFlags {
  readonly image?: string;
  readonly entrypoint?: readonly string[];
  readonly agentPort?: number;
}

/** `outrider wrap`: agent and sidecar in one image, for platforms that run one container. */
export function wrapCommand(deps: DeployDeps = ofThisProcess()): Command {
  return new Command('wrap')
    .description('make a Dockerfile whose image starts the agent behind a sidecar')
    .argument('[dockerfile]', '- for standard input', 'Dockerfile')
    .option('--image <image>', 'where the executable is taken from', image)
    .option(
      '--entrypoint <json>',
      'what the image starts before CMD, where the Dockerfile does not say so: \'["python"]\'',
      entrypoint,
    )
    .option('--agent-port <port>', 'where the agent listens, when it cannot be told by PORT', port)
    .option('--write', 'change the Dockerfile in place')
    .option('--check', 'change nothing; print what would change, and exit 1 when something would')
    .addHelpText('after', HELP)
    .action(async (dockerfile: string, flags: WrapFlags) => {
      await reported(deps, troubleExit(flags), async () => {
        const file = await readManifest(dockerfile, flags, deps);
        const options: WrapOptions = {
          image: flags.image ?? defaultImage(deps.version),
          ...(flags.entrypoint !== undefined && { entrypoint: flags.entrypoint }),
          ...(flags.agentPort !== undefined && { agentPort: flags.agentPort }),
        };
        deliver(
          file,
          changed(file.name, file.text, (text) => wrapDockerfile(text, options), deps),
          flags,
          deps,
        );
      });
    });
}

function entrypoint(text: string): readonly string[] {
  const words = readEntrypoint(text);
  if (words === undefined) throw new InvalidArgumentError('a list of words in JSON, such as \'["python", "app.py"]\'');
  return words;
}

const HELP = `
For platforms that run one container and no sidecar beside it. The image starts \`outrider run -- COMMAND\` where it
started COMMAND; the sidecar listens where the platform's PORT says, else on 8080. Wrapping twice changes nothing, and a
newer version replaces the one that is there.

Examples:
  outrider wrap > Dockerfile.outrider
  outrider wrap --write --entrypoint '[]' Dockerfile

Exit codes: 0 done, 1 the Dockerfile cannot be used. With --check: 0 nothing would change, 1 something would, 2 something
cannot be used.`;
