import { type Body, isStream, readBody } from '../body.ts';
import { OutriderError } from '../errors.ts';

/** What bodies are kept in as they arrive: most reviews fit into one. */
const BLOCK_BYTES = 32_768;

/** A body that has begun to arrive. `blocks` is undefined once it has given way to others. */
interface Arriving {
  blocks: Uint8Array[] | undefined;
}

/**
 * The memory of bodies that are still arriving, whoever sends them and however slowly. Where they would hold more, the largest gives way,
 * and of several the one that came first: small ones always get through. Blocks are used again, so that nothing waits for its collection;
 * and many small chunks, kept as they come, would hold far more than their bytes.
 */
export class ByteBudget {
  /** Blocks that may still be made. */
  #unmade: number;
  readonly #free: Uint8Array[] = [];
  // In the order in which they came.
  readonly #arriving = new Set<Arriving>();

  constructor(bytes: number) {
    this.#unmade = Math.floor(bytes / BLOCK_BYTES);
  }

  /**
   * What `use` makes of all bytes of a body, which are others' once it has returned. Throws `body_too_large` as soon as more than `limit`
   * have come, and `overloaded` where it has given way.
   */
  async read<T>(body: Body, limit: number, use: (bytes: Uint8Array) => T): Promise<T> {
    if (!isStream(body)) return use(await readBody(body, limit));
    const mine: Arriving = { blocks: [] };
    let size = 0;
    this.#arriving.add(mine);
    try {
      for await (const chunk of body) {
        if (size + chunk.length > limit)
          throw new OutriderError('body_too_large', `the body is larger than the ${limit} bytes allowed here`);
        for (let from = 0; from < chunk.length; ) {
          const at = size % BLOCK_BYTES;
          const part = chunk.subarray(from, from + BLOCK_BYTES - at);
          this.#blockAt(mine, size).set(part, at);
          from += part.length;
          size += part.length;
        }
      }
      return use(joined(blocksOf(mine), size));
    } finally {
      this.#release(mine);
      this.#arriving.delete(mine);
    }
  }

  /** The block of a body in which its byte `offset` is to stand. */
  #blockAt(mine: Arriving, offset: number): Uint8Array {
    const index = Math.floor(offset / BLOCK_BYTES);
    const there = blocksOf(mine)[index];
    if (there !== undefined) return there;
    if (this.#free.length === 0 && this.#unmade === 0) this.#release(this.#largest(mine));
    const blocks = blocksOf(mine);
    let block = this.#free.pop();
    if (block === undefined) {
      block = new Uint8Array(BLOCK_BYTES);
      this.#unmade--;
    }
    blocks.push(block);
    return block;
  }

  /** Who holds most if one more block is for `mine`; of equals it is another. */
  #largest(mine: Arriving): Arriving {
    let largest = mine;
    let most = blocksOf(mine).length;
    for (const one of this.#arriving) {
      const held = one.blocks?.length ?? 0;
      if (held <= most) continue;
      largest = one;
      most = held;
    }
    return largest;
  }

  #release(one: Arriving): void {
    this.#free.push(...(one.blocks ?? []));
    one.blocks = undefined;
  }
}

function blocksOf({ blocks }: Arriving): Uint8Array[] {
  if (blocks !== undefined) return blocks;
  throw new OutriderError('overloaded', 'too much is being read at once', { retryAfter: 1 });
}

function joined(blocks: readonly Uint8Array[], size: number): Uint8Array {
  const [only] = blocks;
  return only !== undefined && blocks.length === 1 ? only.subarray(0, size) : Buffer.concat(blocks, size);
}
