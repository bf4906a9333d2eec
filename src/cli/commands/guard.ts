import { Command, InvalidArgumentError, Option } from 'commander';
import { ConfigError, formatFault } from '../../config/faults.ts';
import { OutriderError } from '../../errors.ts';
import { RuleError, SURFACES } from '../../guardrails/rule.ts';
import type { BenchOptions } from './guard-bench.ts';
import { EXIT_FAULT, type GuardCommandDeps } from './guard-input.ts';
import type { ListOptions } from './guard-list.ts';
import type { TestOptions } from './guard-test.ts';

/** `outrider guard test|list|bench`: to try guardrails without an agent. What does the work is loaded when it is asked for. */
export function guardCommand(deps: GuardCommandDeps = ofThisProcess()): Command {
  // Handed down to the commands below, so that the caller says with which code the process ends.
  const command = new Command('guard').description('try the guardrails of a configuration').exitOverride();

  withRules(command.command('test'))
    .description('show what the rules find in a body, and what would go out; exit 1 when it would be blocked')
    .argument('[file]', 'the body; - for standard input', '-')
    .addOption(surfaceOption())
    .addOption(typeOption())
    .option('--webhooks', 'ask the endpoints of webhook rules too')
    .option('--json', 'one JSON object')
    .addHelpText('after', TEST_HELP)
    .action(async (file: string, options: TestOptions) => {
      await reported(deps, async () => (await import('./guard-test.ts')).testBody(file, options, deps));
    });
  withRules(command.command('list'))
    .description('list every rule in the order in which they run, and the built-in ones that are off')
    .option('--json', 'one JSON object')
    .addHelpText('after', LIST_HELP)
    .action(async (options: ListOptions) => {
      await reported(deps, async () => (await import('./guard-list.ts')).listRules(options, deps));
    });
  withRules(command.command('bench'))
    .description('measure what it costs to inspect a file: all rules together, and each alone')
    .argument('<file>', 'the body; - for standard input')
    .addOption(surfaceOption())
    .addOption(typeOption())
    .option('--json', 'one JSON object')
    .addHelpText('after', BENCH_HELP)
    .action(async (file: string, options: BenchOptions) => {
      await reported(deps, async () => (await import('./guard-bench.ts')).benchRules(file, options, deps));
    });
  return command;
}

const TEST_HELP = `
The findings go to standard error and never hold what was found; standard output is what would go out.

Examples:
  outrider guard test prompt.json
  outrider guard test --config outrider.yaml --surface response reply.sse > redacted.sse
  git diff | outrider guard test --type text/plain > /dev/null || echo "not to be sent"

Exit codes: 0 goes out, 1 is blocked or refused, 2 the command line, the configuration or the file cannot be used.`;

const LIST_HELP = `
Examples:
  outrider guard list --config outrider.yaml
  outrider guard list --json | jq -r '.rules[] | select(.enabled) | .name'`;

const BENCH_HELP = `
Examples:
  outrider guard bench --config outrider.yaml prompt.json

It takes some seconds. Times are of one inspection, on one core, with nothing else to do.`;

function withRules(command: Command): Command {
  return command.option('--config <file>', 'configuration file (YAML); of it, the guardrails alone are read');
}

function surfaceOption(): Option {
  return new Option('--surface <surface>', 'where the body is').choices(SURFACES).default('request');
}

function typeOption(): Option {
  const description = "its Content-Type; default: by the file's name, or else by what it looks like";
  return new Option('--type <content_type>', description).argParser((value: string) => {
    if (!/^[^\s/;]+\/[^\s/;]+\s*(;.*)?$/.test(value)) throw new InvalidArgumentError('expected TYPE/SUBTYPE');
    return value;
  });
}

/** What cannot be used is said on standard error, a line for each fault. */
async function reported(deps: GuardCommandDeps, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    const lines = linesOf(error);
    if (lines === undefined) throw error;
    for (const line of lines) deps.stderr.write(`${line}\n`);
    deps.setExitCode(EXIT_FAULT);
  }
}

function linesOf(error: unknown): string[] | undefined {
  if (error instanceof ConfigError) return error.faults.map(formatFault);
  if (error instanceof RuleError) return error.message.split('\n');
  return error instanceof OutriderError ? [`outrider: ${error.message}`] : undefined;
}

function ofThisProcess(): GuardCommandDeps {
  return {
    env: process.env,
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    setExitCode: (code) => {
      process.exitCode = code;
    },
  };
}
