import { Command } from 'commander';
import { serve } from '../serve.ts';

/** `outrider sidecar`: beside an agent that is started elsewhere. */
export function sidecarCommand(): Command {
  return new Command('sidecar')
    .option('--config <file>', 'configuration file (YAML)')
    .action(async ({ config }: { config?: string }) => {
      process.exitCode = await serve({ configPath: config, command: undefined, env: process.env });
    });
}
