import { timingSafeEqual } from 'node:crypto';
import type { Call } from '../call.ts';
import { OutriderError } from '../errors.ts';
import { countField, getField } from '../fields.ts';
import type { Layer } from '../stack.ts';

/** Who a call comes from. */
export interface Principal {
  principal: string;
}

export interface Token {
  /** Shown in audit rows and limits; never the token itself. */
  name: string;
  token: string;
}

/** The principal of callers where no token is asked for. */
export const ANONYMOUS = 'anonymous';

/**
 * Lets in who carries one of the bearer tokens (RFC 6750); everybody when `tokens` answers undefined. `tokens` is asked for
 * each call, so that they can be rotated.
 */
export function authenticate(tokens: () => TokenSet | undefined): Layer<Call, Principal> {
  return (call, next) => {
    const set = tokens();
    if (set === undefined) return next({ principal: ANONYMOUS });
    const principal = set.principalOf(call);
    if (principal === undefined) throw new OutriderError('unauthenticated', 'a valid bearer token is required');
    return next({ principal });
  };
}

/**
 * Tokens to compare with in constant time: every one of them on every call, in buffers of one length, so that timing tells
 * neither which token nor how much of it was right.
 */
export class TokenSet {
  readonly #names: string[];
  readonly #tokens: Buffer[];
  readonly #presented: Buffer;

  constructor(tokens: readonly Token[]) {
    const width = Math.max(MIN_WIDTH, ...tokens.map(({ token }) => Buffer.byteLength(token) + 1));
    this.#names = tokens.map(({ name }) => name);
    this.#tokens = tokens.map(({ token }) => padded(token, Buffer.alloc(width)));
    this.#presented = Buffer.alloc(width);
  }

  principalOf(call: Call): string | undefined {
    const authorization = getField(call.headers, 'authorization');
    if (authorization === undefined || !/^bearer /i.test(authorization)) return undefined;
    if (countField(call.headers, 'authorization') > 1) return undefined;
    const token = authorization.slice('bearer '.length).trim();
    if (token === '' || Buffer.byteLength(token, 'latin1') >= this.#presented.length) return undefined;
    padded(token, this.#presented);
    let found: string | undefined;
    for (let i = 0; i < this.#tokens.length; i++) {
      if (timingSafeEqual(this.#tokens[i] as Buffer, this.#presented)) found = this.#names[i];
    }
    return found;
  }
}

const MIN_WIDTH = 256;

/** The token followed by zeros: its end is part of what is compared, since no token holds a zero byte. */
function padded(token: string, buffer: Buffer): Buffer {
  buffer.fill(0);
  // Header values arrive as Latin-1: a token of other characters can never be sent, and so never matches.
  buffer.write(token, 'latin1');
  return buffer;
}
