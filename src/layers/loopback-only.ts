import { BlockList, isIP } from 'node:net';
import { cancelBody } from '../body.ts';
import type { InboundCall } from '../call.ts';
import { OutriderError } from '../errors.ts';
import { countField, getField } from '../fields.ts';
import { type Layer, UNCHANGED } from '../stack.ts';

/**
 * Keeps the helpers to the machine's own programs, which carry no token here. What it is up against is DNS rebinding: a web
 * page whose name is made to resolve to 127.0.0.1 can send requests to a local port, but it cannot choose their `Host`, and a
 * browser adds `Origin`. Throws `forbidden` (403) and says which rule it was.
 */
export const loopbackOnly: Layer<InboundCall> = async (call, next) => {
  const reason = refusal(call);
  if (reason === undefined) return next(UNCHANGED);
  await cancelBody(call.body);
  throw new OutriderError('forbidden', reason);
};

function refusal({ remote, headers, target }: InboundCall): string | undefined {
  if (!isLoopbackAddress(remote)) return 'the helpers answer the loopback interface only';
  if (countField(headers, 'origin') > 0)
    return 'requests with an Origin header are refused: no web page may call the helpers';
  // An absolute-form target would override the Host header (RFC 9112 §3.2.2).
  if (!target.startsWith('/')) return 'the request target must be a path';
  const hosts = countField(headers, 'host');
  if (hosts === 0) return 'the Host header is missing';
  if (hosts > 1) return 'there is more than one Host header';
  if (!isLoopbackHost(getField(headers, 'host') ?? '')) return 'the Host header is not a loopback name';
  return undefined;
}

const HOST = /^(?:\[([0-9a-f:.]+)\]|([a-z0-9.]+))(?::\d{1,5})?$/i;

function isLoopbackHost(host: string): boolean {
  const [, bracketed, plain] = HOST.exec(host) ?? [];
  if (bracketed !== undefined) return isIP(bracketed) === 6 && isLoopbackAddress(bracketed);
  if (plain === undefined) return false;
  return plain.toLowerCase() === 'localhost' || (isIP(plain) === 4 && isLoopbackAddress(plain));
}

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4');
LOOPBACK.addAddress('::1', 'ipv6');

/** Also true of IPv4-mapped IPv6 addresses (`::ffff:127.0.0.1`), which a dual-stack listener reports. */
function isLoopbackAddress(address: string): boolean {
  const family = isIP(address);
  return family !== 0 && LOOPBACK.check(address, family === 6 ? 'ipv6' : 'ipv4');
}
