import { isIP } from 'node:net';
import { isLoopback } from '../address.ts';
import { cancelBody } from '../body.ts';
import type { Call } from '../call.ts';
import { OutriderError } from '../errors.ts';
import { countField, getField } from '../fields.ts';
import { type Layer, UNCHANGED } from '../stack.ts';

/**
 * Where no credential is asked for, keeps out web pages that are not ours. A page whose name is made to resolve to this machine
 * (DNS rebinding) is our own for its browser, and may send anything; but that name stands in `Origin`, and since it has no
 * certificate for this machine, its browser adds no `Sec-Fetch-Site`, which no page can add itself
 * (https://www.w3.org/TR/fetch-metadata/). Addresses and `localhost` are no names that somebody else could give. Programs send
 * no `Origin`. Throws `forbidden`.
 */
export function foreignPages(isOpen: () => boolean): Layer {
  return async (call, next) => {
    if (!isOpen() || !isForeign(call)) return next(UNCHANGED);
    await cancelBody(call.body);
    throw new OutriderError('forbidden', 'without a credential no web page of this name is served');
  };
}

function isForeign({ headers }: Call): boolean {
  const origin = getField(headers, 'origin');
  if (origin === undefined) return false;
  if (countField(headers, 'sec-fetch-site') === 1 && getField(headers, 'sec-fetch-site') === 'same-origin')
    return false;
  const host = URL.parse(origin)?.hostname.replace(/^\[|\]$/g, '') ?? '';
  return countField(headers, 'origin') > 1 || !(isLoopback(host) || isIP(host) !== 0);
}
