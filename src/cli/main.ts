import { Command, CommanderError } from 'commander';
import { OutriderError } from '../errors.ts';
import { VERSION } from './version.ts';

/** A command, with its module loaded only when it is the one that was asked for: starting fast is part of the job. */
interface Entry {
  name: string;
  summary: string;
  load: () => Promise<Command>;
  /** The exit code when the command line cannot be used; 1 unless told. */
  usageExit?: number;
  /** The same with `--check`, where 1 says that something differs. */
  checkUsageExit?: number;
}

const COMMANDS: readonly Entry[] = [
  {
    name: 'sidecar',
    summary: 'run the sidecar beside an agent that is started elsewhere',
    load: async () => (await import('./commands/sidecar.ts')).sidecarCommand(),
  },
  {
    name: 'run',
    summary: 'start an agent and run the sidecar beside it',
    load: async () => (await import('./commands/run.ts')).runCommand(),
  },
  {
    name: 'healthcheck',
    summary: 'ask the sidecar of this container whether it lives; exit 0 when it does',
    load: async () => (await import('./commands/healthcheck.ts')).healthcheckCommand(),
  },
  {
    name: 'host',
    summary: 'keep many agents resident, behind HTTP and gRPC on one port',
    load: async () => (await import('./commands/host.ts')).hostCommand(),
  },
  {
    name: 'call',
    summary: 'call an agent that runs elsewhere, and print what it answers',
    load: async () => (await import('./commands/call.ts')).callCommand((await import('./deps.ts')).callDeps()),
    // 1 says that the call failed.
    usageExit: 2,
  },
  {
    name: 'agent',
    summary: "check or explain an agent's file: does it get a sidecar, and why",
    load: async () => (await import('./commands/agent.ts')).agentCommand(),
  },
  {
    name: 'deploy',
    summary: "make a platform's manifest from an agent's file, or run the agent here",
    load: async () => (await import('./commands/deploy.ts')).deployCommand(),
    checkUsageExit: 2,
  },
  {
    name: 'inject',
    summary: 'put the sidecar into a manifest',
    load: async () => (await import('./commands/inject.ts')).injectCommand(),
    checkUsageExit: 2,
  },
  {
    name: 'eject',
    summary: 'take the sidecar out of a manifest again',
    load: async () => (await import('./commands/eject.ts')).ejectCommand(),
  },
  {
    name: 'wrap',
    summary: 'make a Dockerfile whose image starts the agent behind a sidecar',
    load: async () => (await import('./commands/wrap.ts')).wrapCommand(),
    checkUsageExit: 2,
  },
  {
    name: 'drain',
    summary: 'have callers go elsewhere, before the sidecar is told to stop',
    load: async () => (await import('./commands/drain.ts')).drainCommand(),
  },
  {
    name: 'webhook',
    summary: 'put the sidecar into pods of Kubernetes as they are made',
    load: async () => (await import('./commands/webhook.ts')).webhookCommand(),
  },
  {
    name: 'config',
    summary: 'check, show or describe the configuration',
    load: async () => (await import('./commands/config.ts')).configCommand(),
  },
  {
    name: 'guard',
    summary: 'try guardrails: what they find in a body, which there are, what they cost',
    load: async () => (await import('./commands/guard.ts')).guardCommand(),
    // 1 says that something would be blocked.
    usageExit: 2,
  },
  {
    name: 'ledger',
    summary: 'serve the ledger that sidecars ship costs and audit rows to',
    load: async () => (await import('./commands/ledger.ts')).ledgerCommand((await import('./deps.ts')).ledgerDeps()),
  },
  {
    name: 'costs',
    summary: 'show recorded costs',
    load: async () => (await import('./commands/costs.ts')).costsCommand((await import('./deps.ts')).readDeps()),
  },
  {
    name: 'audit',
    summary: 'show or verify the audit log',
    load: async () => (await import('./commands/audit.ts')).auditCommand((await import('./deps.ts')).readDeps()),
  },
];

/** Runs the command line and gives the exit code; never throws. */
export async function main(argv: readonly string[]): Promise<number> {
  const program = new Command('outrider')
    .description('The process that rides beside an AI agent.')
    .version(VERSION, '-V, --version')
    .exitOverride()
    .showHelpAfterError('(see --help)')
    .enablePositionalOptions();
  const [first, second] = argv.filter((word) => !word.startsWith('-'));
  const wanted = first === 'help' ? second : first;
  try {
    for (const { name, summary, load } of COMMANDS) {
      const command = name === wanted ? await load() : new Command(name);
      program.addCommand(command.description(summary).exitOverride());
    }
    await program.parseAsync(argv, { from: 'user' });
    return typeof process.exitCode === 'number' ? process.exitCode : 0;
  } catch (error) {
    const entry = COMMANDS.find(({ name }) => name === wanted);
    return report(error, isCheck(argv) ? (entry?.checkUsageExit ?? entry?.usageExit) : entry?.usageExit);
  }
}

/** What stands behind `--` is another program's. */
function isCheck(argv: readonly string[]): boolean {
  const end = argv.indexOf('--');
  return (end < 0 ? argv : argv.slice(0, end)).includes('--check');
}

function report(error: unknown, usageExit?: number): number {
  // Commander has said what it had to say.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : (usageExit ?? error.exitCode);
  if (error instanceof OutriderError || isConfigError(error)) {
    process.stderr.write(`outrider: ${error.message}\n`);
    return 1;
  }
  process.stderr.write(`outrider: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  return 70; // EX_SOFTWARE of sysexits.h
}

function isConfigError(error: unknown): error is Error {
  return error instanceof Error && (error.name === 'ConfigError' || error.name === 'RuleError');
}
