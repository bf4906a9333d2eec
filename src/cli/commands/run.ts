import { Command } from 'commander';
import { serve } from '../serve.ts';

/** `outrider run -- COMMAND…`: starts the agent too, and lives and dies with it. */
export function runCommand(): Command {
  return new Command('run')
    .usage('[options] -- COMMAND...')
    .option('--config <file>', 'configuration file (YAML)')
    .argument('<command...>', 'the agent, with its arguments')
    .passThroughOptions()
    .addHelpText(
      'after',
      '\nThe agent finds PORT, AGENT_NAME and the addresses of its helpers (OUTRIDER_LOCAL_URL, OUTRIDER_A2A_URL,\nOUTRIDER_MCP_URL, OUTRIDER_COST_URL) in its environment. Its exit code becomes that of this command.',
    )
    .action(async (command: string[], { config }: { config?: string }) => {
      process.exitCode = await serve({ configPath: config, command, env: process.env });
    });
}
