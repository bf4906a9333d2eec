/** Money is counted in nano-dollars: 1 USD = 1_000_000_000. */
const NANOS_DIGITS = 9;

/** Largest price of one event, in dollars. Every price up to it stays below 2^53 nano-dollars. */
export const MAX_USD = 1_000_000;

/**
 * The nano-dollars of a price in dollars, or undefined when it is negative, too large or no number.
 * JSON numbers arrive as doubles; the shortest decimal that names the double is what the sender wrote (up to 17 digits), so the
 * conversion works on that text and never multiplies a fraction. Digits below a nano-dollar are rounded half up.
 */
export function usdToNanos(usd: number): number | undefined {
  if (!(usd >= 0 && usd <= MAX_USD)) return undefined;
  const [mantissa = '0', exponent = '0'] = String(usd).split('e');
  const [whole = '0', fraction = ''] = mantissa.split('.');
  const shift = NANOS_DIGITS + Number(exponent) - fraction.length;
  const digits = BigInt(whole + fraction);
  if (shift >= 0) return Number(digits * 10n ** BigInt(shift));
  const divisor = 10n ** BigInt(-shift);
  return Number((digits + divisor / 2n) / divisor);
}

/** Nano-dollars as an exact decimal number of dollars, which is also a JSON number: `3800000n` is `0.0038`. */
export function nanosToDecimal(nanos: bigint): string {
  const text = nanos.toString().padStart(NANOS_DIGITS + 1, '0');
  const whole = text.slice(0, -NANOS_DIGITS);
  const fraction = text.slice(-NANOS_DIGITS).replace(/0+$/, '');
  return fraction === '' ? whole : `${whole}.${fraction}`;
}

/** The price of one event in dollars. Exact as text: at most 15 significant digits, or exactly `MAX_USD`. */
export function nanosToUsd(nanos: number | null): number | null {
  return nanos === null ? null : Number(nanosToDecimal(BigInt(nanos)));
}
