/** Numbers that look random and are the same on every machine for the same seed (sfc32, by Chris Doty-Humphrey). */
export class Random {
  #a: number;
  #b: number;
  #c = 0x9e37_79b9;
  #counter = 1;

  constructor(seed: number) {
    this.#a = seed | 0;
    this.#b = Math.imul(seed, 0x85eb_ca6b) ^ 0x5bd1_e995;
    for (let i = 0; i < 12; i++) this.bits();
  }

  /** 32 of them, as an unsigned number. */
  bits(): number {
    const sum = (((this.#a + this.#b) | 0) + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0;
    return sum >>> 0;
  }

  /** 0 up to, without, `limit`. */
  below(limit: number): number {
    return Math.floor((this.bits() / 2 ** 32) * limit);
  }

  /** `from` up to and with `to`. */
  between(from: number, to: number): number {
    return from + this.below(to - from + 1);
  }

  chance(probability: number): boolean {
    return this.bits() < probability * 2 ** 32;
  }

  pick<T>(list: readonly T[]): T {
    // The place is within the list, which is never empty.
    return list[this.below(list.length)] as T;
  }

  /** One of the values, each as often as the number before it says. */
  weighted<T>(list: readonly (readonly [weight: number, value: T])[]): T {
    let left = this.below(list.reduce((sum, [weight]) => sum + weight, 0));
    for (const [weight, value] of list) {
      left -= weight;
      if (left < 0) return value;
    }
    throw new RangeError('nothing to choose from');
  }

  shuffled<T>(list: readonly T[]): T[] {
    const out = [...list];
    for (let i = out.length - 1; i > 0; i--) {
      const k = this.below(i + 1);
      // Both places are within the list.
      [out[i], out[k]] = [out[k] as T, out[i] as T];
    }
    return out;
  }

  /** `length` characters out of an alphabet. */
  chars(alphabet: string, length: number): string {
    let out = '';
    for (let i = 0; i < length; i++) out += alphabet[this.below(alphabet.length)];
    return out;
  }

  digits(length: number): string {
    return this.chars('0123456789', length);
  }

  hex(length: number): string {
    return this.chars('0123456789abcdef', length);
  }

  base62(length: number): string {
    return this.chars('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789', length);
  }

  base64(length: number): string {
    return this.chars('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/', length);
  }

  base64url(length: number): string {
    return this.chars('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_', length);
  }

  /** Digits for each `#` of a form: `+1 ###` gives `+1 415`. */
  fill(form: string): string {
    return form.replaceAll('#', () => this.digits(1));
  }

  /** Digits cut into groups of these sizes; what is left over makes the last group. */
  static group(digits: string, sizes: readonly number[], separator: string): string {
    const groups: string[] = [];
    let at = 0;
    for (const size of sizes) {
      if (at >= digits.length) break;
      groups.push(digits.slice(at, at + size));
      at += size;
    }
    if (at < digits.length) groups.push(digits.slice(at));
    return groups.join(separator);
  }
}
