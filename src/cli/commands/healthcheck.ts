import { Command } from 'commander';
import { addressToCall } from '../../address.ts';
import { isSwitchedOff } from '../../config/environment.ts';
import type { Environment } from '../../environment.ts';
import { OutriderError } from '../../errors.ts';
import { statusOf } from '../../net/status-of.ts';

const TIMEOUT_MS = 2_500;

interface Options {
  readonly ready?: true;
  readonly url?: string;
  readonly config?: string;
}

/** `outrider healthcheck`: for platforms whose health checks are commands, in an image that has no other. */
export function healthcheckCommand(): Command {
  return new Command('healthcheck')
    .option('--ready', 'ask /ready, which wants the agent to be ready too, instead of /health')
    .option('--url <url>', 'ask this URL; without a path, the path is added to it')
    .option('--config <file>', 'configuration file (YAML) of the sidecar')
    .addHelpText(
      'after',
      '\nExits 0 when the answer is 200, else 1 with a line that says why. Takes three seconds at most.',
    )
    .action(async (options: Options) => {
      if (options.url === undefined && isSwitchedOff(process.env)) return;
      const url = await urlOf(options, process.env);
      const fault = await faultOf(url);
      if (fault === undefined) return;
      process.stderr.write(`outrider: ${withoutPassword(url)}: ${fault}\n`);
      process.exitCode = 1;
    });
}

async function urlOf({ ready, url, config }: Options, env: Environment): Promise<string> {
  const path = ready === true ? '/ready' : '/health';
  if (url === undefined) return `http://${await hostAndPort(env, config)}${path}`;
  const parsed = /^https?:\/\//i.test(url) ? URL.parse(url) : null;
  if (parsed === null) throw new OutriderError('bad_request', '--url: expected an http:// or https:// URL');
  if (parsed.pathname === '/') parsed.pathname = path;
  return parsed.href;
}

function withoutPassword(url: string): string {
  const { origin, pathname } = new URL(url);
  return origin + pathname;
}

async function hostAndPort(env: Environment, config: string | undefined): Promise<string> {
  const { findInboundAddress } = await import('../../config/listener-address.ts');
  const address = await findInboundAddress(env, { configPath: config });
  if (address === undefined || address.port === 0) {
    const why = address === undefined ? 'is no address' : 'has port 0, so the port is not known';
    throw new OutriderError('bad_request', `inbound_addr (OUTRIDER_INBOUND_ADDR) ${why}: say --url`);
  }
  return addressToCall(address);
}

async function faultOf(url: string): Promise<string | undefined> {
  try {
    const status = await statusOf(url, TIMEOUT_MS);
    return status === 200 ? undefined : `answered ${status}`;
  } catch (error) {
    return error instanceof Error
      ? error.message || ('code' in error ? String(error.code) : error.name)
      : String(error);
  }
}
