import { createRequire } from 'node:module';
import type * as Core from 'libphonenumber-js/core';

type Library = typeof Core;

interface Plans {
  readonly isValid: (digits: string) => boolean;
  /** For each country code, the lengths that its numbers have behind it. */
  readonly lengths: ReadonlyMap<string, ReadonlySet<number>>;
}

let plans: Plans | undefined;

/**
 * Whether these digits, country code first, are a telephone number in use somewhere: the numbering plans of libphonenumber,
 * with all types of numbers. They take 30 ms and 11 MB to load, which happens with the first question. Those kept
 * for fiction, which people write in place of their own, count as in use.
 */
export function isPhoneNumber(digits: string): boolean {
  plans ??= loadPlans();
  if (FICTITIOUS.test(digits)) return true;
  return hasPossibleLength(digits, plans.lengths) && plans.isValid(digits);
}

/** Area 555 of North America; of the United Kingdom, 07700 9 and 01632 960 (Ofcom, numbers for drama). */
const FICTITIOUS = /^(?:1555\d{7}|4477009\d{5}|441632960\d{3})$/;

/** Loads the numbering plans, which else happens with the first question. */
export function warmUp(): void {
  plans ??= loadPlans();
}

/** The library is slow for what is asked of it very often; most that is no number shows by its length. */
function hasPossibleLength(digits: string, lengths: Plans['lengths']): boolean {
  for (let size = 1; size <= 3; size++) {
    const possible = lengths.get(digits.slice(0, size));
    // A trunk prefix in brackets may be there: `+44 (0)20`.
    if (possible !== undefined)
      return possible.has(digits.length - size) || (digits[size] === '0' && possible.has(digits.length - size - 1));
  }
  return false;
}

/** Country codes of no country: toll-free, shared cost, satellites, networks, premium rate. They have one plan each. */
const WORLDWIDE = ['800', '808', '870', '878', '881', '882', '883', '888', '979'];

function loadPlans(): Plans {
  const require = createRequire(import.meta.url);
  // The types are those of these very modules.
  const library = require('libphonenumber-js/core') as Library;
  const data = require('libphonenumber-js/max/metadata') as Core.MetadataJson;
  const lengths = new Map<string, Set<number>>();
  for (const country of library.getCountries(data)) {
    const metadata = new library.Metadata(data);
    metadata.selectNumberingPlan(country);
    const code = library.getCountryCallingCode(country, data);
    const known = lengths.get(code) ?? new Set();
    for (const length of metadata.numberingPlan?.possibleLengths() ?? []) known.add(length);
    lengths.set(code, known);
  }
  const any = new Set(Array.from({ length: 15 }, (_, i) => i));
  for (const code of WORLDWIDE) lengths.set(code, any);
  return { isValid: (digits) => library.isValidPhoneNumber(`+${digits}`, data), lengths };
}
