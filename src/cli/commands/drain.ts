import { Command } from 'commander';
import { parseAddress } from '../../address.ts';
import { isSwitchedOff, readVariable } from '../../config/environment.ts';
import { OutriderError, toOutriderError } from '../../errors.ts';
import { statusOf } from '../../net/status-of.ts';

const TIMEOUT_MS = 2_500;
const DEFAULT_ADDR = '127.0.0.1:9090';

/** `outrider drain`: for hooks that run before a sidecar is told to stop. */
export function drainCommand(): Command {
  return new Command('drain')
    .option('--addr <host:port>', `the sidecar's helper listener; default: OUTRIDER_LOCAL_ADDR, else ${DEFAULT_ADDR}`)
    .addHelpText(
      'after',
      '\nFrom then on /ready is 503 and each reply closes its connection, so that callers go elsewhere; those who come are\n' +
        'still served. It is over when the sidecar is told to stop.',
    )
    .action(async ({ addr }: { addr?: string }) => {
      if (isSwitchedOff(process.env)) return;
      const text = addr ?? readVariable(process.env, 'OUTRIDER_LOCAL_ADDR')?.value ?? DEFAULT_ADDR;
      const address = parseAddress(text);
      if (address === undefined) throw new OutriderError('bad_request', `expected HOST:PORT, not ${text}`);
      const host = address.host.includes(':') ? `[${address.host}]` : address.host || '127.0.0.1';
      const url = `http://${host}:${address.port}/drain`;
      const answer = await statusOf(url, TIMEOUT_MS, 'POST').catch(toOutriderError);
      if (answer === 202) return;
      const why = typeof answer === 'number' ? `answered ${answer}` : messageOf(answer.cause);
      throw new OutriderError('unreachable', `${url}: ${why}`);
    });
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : 'cannot be reached';
}
