import { Command } from 'commander';
import { loadHostConfig } from '../../config/host-load.ts';
import type { Environment } from '../../environment.ts';
import { startHost } from '../../host.ts';
import { live } from '../../run/lifecycle.ts';
import { holdSignals } from '../../run/signals.ts';
import { strayErrors } from '../../run/stray-errors.ts';
import { createLog } from '../../telemetry/log.ts';
import { VERSION } from '../version.ts';

/** So that whoever watches the process starts it again. */
const FAILED = 1;

interface HostCommandOptions {
  readonly config?: string;
  readonly addr?: string;
}

/** `outrider host`: keeps many agents resident, behind HTTP and gRPC on one port. */
export function hostCommand(): Command {
  return new Command('host')
    .option('--config <file>', 'configuration file (YAML)')
    .option('--addr <host:port>', 'where to serve HTTP and gRPC (default: 127.0.0.1:8085)')
    .argument('[modules...]', 'modules that export agents')
    .addHelpText(
      'after',
      '\nAGENT_AUTH_TOKEN, when it is set, is the key of an administrator, as bearer token and as X-API-Key. Without any\n' +
        'credential the host does not start, unless OUTRIDER_ALLOW_NO_AUTH=1.',
    )
    .action(async (modules: string[], options: HostCommandOptions) => {
      process.exitCode = await serveHost(modules, options, process.env);
    });
}

/** Runs the host until it is told to stop. Gives the exit code. */
async function serveHost(modules: readonly string[], options: HostCommandOptions, env: Environment): Promise<number> {
  const signals = holdSignals(process, {
    forAgent: false,
    giveUp: (signal) => process.exit(signal === 'SIGINT' ? 130 : 143),
  });
  const { config, warnings } = await loadHostConfig({ env, configPath: options.config, addr: options.addr, modules });
  const log = createLog({ level: config.log_level, format: config.log_format, stream: process.stderr });
  for (const warning of warnings) log.warn(warning);
  const host = await startHost({ config, version: VERSION, log, env });
  // Until here they end the process at once: nobody waits yet.
  const strays = strayErrors(process, { log, stop: () => process.kill(process.pid, 'SIGTERM') });
  const code = await live({ sidecar: host, signals, drainTimeoutMs: config.drain_timeout, log });
  return strays.hasStopped() ? FAILED : code;
}
