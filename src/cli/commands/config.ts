import { Command } from 'commander';
import { ConfigError, formatFault } from '../../config/faults.ts';
import type { LoadResult } from '../../config/load.ts';
import type { ReadFile } from '../../config/source.ts';
import type { Environment } from '../../environment.ts';

export interface ConfigCommandDeps {
  readonly env: Environment;
  readonly stdout: Output;
  readonly stderr: Output;
  /** Called when the process is to end with a code other than 0. */
  readonly setExitCode: (code: number) => void;
  /** Default: the process's. */
  readonly cwd?: string;
  /** Default: the file system. */
  readonly readFile?: ReadFile;
}

interface Output {
  write(text: string): unknown;
}

interface FileOption {
  readonly config?: string;
}

/** `outrider config check|show|schema`. What does the work is loaded when it is asked for: `--help` stays quick. */
export function configCommand(deps: ConfigCommandDeps = ofThisProcess()): Command {
  const command = new Command('config').description('check and show the configuration');
  const withFile = (name: string, description: string): Command =>
    command.command(name).description(description).option('--config <file>', 'configuration file (YAML)');

  withFile('check', 'print every fault of the configuration; exit 1 when there is one').action(
    async (options: FileOption) => {
      const result = await load(options, deps);
      if (result !== undefined) deps.stdout.write(`ok: ${result.file ?? 'no configuration file, environment only'}\n`);
    },
  );
  withFile('show', 'print the effective configuration and where each value comes from').action(
    async (options: FileOption) => {
      const result = await load(options, deps);
      if (result === undefined) return;
      const { showConfig } = await import('../../config/show.ts');
      deps.stdout.write(showConfig(result, deps.env));
    },
  );
  command
    .command('schema')
    .description('print the JSON Schema of the configuration file')
    .action(async () => {
      const { configJsonSchema } = await import('../../config/json-schema.ts');
      const { configSchema } = await import('../../config/schema.ts');
      deps.stdout.write(`${JSON.stringify(configJsonSchema(configSchema), null, 2)}\n`);
    });
  return command;
}

function ofThisProcess(): ConfigCommandDeps {
  return {
    env: process.env,
    stdout: process.stdout,
    stderr: process.stderr,
    setExitCode: (code) => {
      process.exitCode = code;
    },
  };
}

/** Prints warnings, and faults when there are any; undefined then. */
async function load({ config: configPath }: FileOption, deps: ConfigCommandDeps): Promise<LoadResult | undefined> {
  const { loadConfig } = await import('../../config/load.ts');
  const { env, cwd, readFile } = deps;
  try {
    const result = await loadConfig({ env, configPath, ...(cwd && { cwd }), ...(readFile && { readFile }) });
    for (const warning of result.warnings) deps.stderr.write(`warning: ${warning}\n`);
    return result;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    for (const fault of error.faults) deps.stderr.write(`${formatFault(fault)}\n`);
    deps.setExitCode(1);
    return undefined;
  }
}
