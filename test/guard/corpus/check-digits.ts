/**
 * Check digits, written from their standards and on purpose apart from what is tested with them.
 */

/** The digit that makes `digits` + it right by ISO/IEC 7812-1 Annex B. */
export function luhnDigit(digits: string): string {
  const doubled = [0, 2, 4, 6, 8, 1, 3, 5, 7, 9];
  const sum = Array.from(digits)
    .toReversed()
    .map((digit, place) => (place % 2 === 0 ? (doubled[Number(digit)] ?? 0) : Number(digit)))
    .reduce((total, value) => total + value, 0);
  return String((10 - (sum % 10)) % 10);
}

/** ISO 13616 / ISO 7064 MOD 97-10: the two check digits of an IBAN. */
export function ibanCheck(country: string, bban: string): string {
  const expanded = Array.from(`${bban}${country}00`, (c) => Number.parseInt(c, 36).toString()).join('');
  return String(98n - (BigInt(expanded) % 97n)).padStart(2, '0');
}

/** The ninth digit of an ABA routing transit number: 3, 7, 1 over and over sums up to a multiple of ten. */
export function routingDigit(eight: string): string {
  const weights = [3, 7, 1];
  const sum = Array.from(eight).reduce((total, digit, place) => total + Number(digit) * (weights[place % 3] ?? 0), 0);
  return String((1000 - sum) % 10);
}

/** Last digit of an EAN-13 or ISBN-13. */
export function eanDigit(twelve: string): string {
  const sum = Array.from(twelve).reduce((total, digit, place) => total + Number(digit) * (place % 2 === 0 ? 1 : 3), 0);
  return String((10 - (sum % 10)) % 10);
}

/** Last character of an ISBN-10. */
export function isbn10Digit(nine: string): string {
  const sum = Array.from(nine).reduce((total, digit, place) => total + Number(digit) * (10 - place), 0);
  const check = (11 - (sum % 11)) % 11;
  return check === 10 ? 'X' : String(check);
}

/** A wrong digit instead of a right one. */
export function otherDigit(digit: string, step: number): string {
  return String((Number(digit) + 1 + (step % 9)) % 10);
}
