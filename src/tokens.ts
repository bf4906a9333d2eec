import { timingSafeEqual } from 'node:crypto';

/** A bearer token and the name it goes by in limits and audit rows; the token itself is never shown. */
export interface NamedToken {
  readonly name: string;
  readonly token: string;
}

/**
 * Bearer tokens (RFC 6750 §2.1), compared in constant time: every one of them on every call, in buffers of one length, so that
 * timing tells neither which token nor how much of it was right.
 */
export class TokenSet<Token extends NamedToken = NamedToken> {
  readonly #known: readonly Token[];
  readonly #tokens: Buffer[];
  readonly #presented: Buffer;

  constructor(tokens: readonly Token[]) {
    const width = Math.max(MIN_WIDTH, ...tokens.map(({ token }) => token.length + 1));
    this.#known = tokens;
    this.#tokens = tokens.map(({ token }) => padded(token, Buffer.alloc(width)));
    this.#presented = Buffer.alloc(width);
  }

  /** The name of the token in an `Authorization` header; undefined when it holds none of these. */
  nameOf(authorization: string | undefined): string | undefined {
    const token = bearerOf(authorization);
    return token === undefined ? undefined : this.find(token)?.name;
  }

  /** The last of these that is this token. */
  find(token: string): Token | undefined {
    // Anything else is no token of ours, and a zero byte would look like the end of one.
    if (!/^[\x21-\x7e]+$/.test(token) || token.length >= this.#presented.length) return undefined;
    padded(token, this.#presented);
    let found: Token | undefined;
    for (let i = 0; i < this.#tokens.length; i++) {
      // As many of them as are known.
      if (timingSafeEqual(this.#tokens[i] as Buffer, this.#presented)) found = this.#known[i];
    }
    return found;
  }
}

/** The token in an `Authorization` header; undefined when it holds none. */
export function bearerOf(authorization: string | undefined): string | undefined {
  if (authorization === undefined || !/^bearer /i.test(authorization)) return undefined;
  return authorization.slice('bearer '.length).trim();
}

const MIN_WIDTH = 256;

/** The token followed by zeros: its end is part of what is compared, since no token holds a zero byte. */
function padded(token: string, buffer: Buffer): Buffer {
  buffer.fill(0);
  // Header values arrive as Latin-1, one byte a character.
  buffer.write(token, 'latin1');
  return buffer;
}
