import { Command } from 'commander';
import { addressToCall, parseAddress } from '../../address.ts';
import { isSwitchedOff } from '../../config/environment.ts';
import { OutriderError, toOutriderError } from '../../errors.ts';
import { statusOf } from '../../net/status-of.ts';

const TIMEOUT_MS = 2_500;

interface Options {
  readonly addr?: string;
  readonly config?: string;
}

/** `outrider drain`: for hooks that run before a sidecar is told to stop. */
export function drainCommand(): Command {
  return new Command('drain')
    .option('--addr <host:port>', "the sidecar's helper listener; default: what its configuration says (a2a_addr)")
    .option('--config <file>', 'configuration file (YAML) of the sidecar')
    .addHelpText(
      'after',
      '\nFrom then on /ready is 503 and each reply closes its connection, so that callers go elsewhere; those who come are\n' +
        'still served. It is over when the sidecar is told to stop.',
    )
    .action(async (options: Options) => {
      if (isSwitchedOff(process.env)) return;
      const url = `http://${await hostAndPort(options)}/drain`;
      const answer = await statusOf(url, TIMEOUT_MS, 'POST').catch(toOutriderError);
      if (answer === 202) return;
      const why = typeof answer === 'number' ? `answered ${answer}` : messageOf(answer.cause);
      throw new OutriderError('unreachable', `${url}: ${why}`);
    });
}

async function hostAndPort({ addr, config }: Options): Promise<string> {
  const { findLocalAddress } = await import('../../config/listener-address.ts');
  const address = addr === undefined ? await findLocalAddress(process.env, { configPath: config }) : parseAddress(addr);
  if (address !== undefined && address.port !== 0) return addressToCall(address);
  const what = addr === undefined ? 'a2a_addr (OUTRIDER_LOCAL_ADDR)' : '--addr';
  throw new OutriderError('bad_request', `${what}: expected HOST:PORT`);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : 'cannot be reached';
}
