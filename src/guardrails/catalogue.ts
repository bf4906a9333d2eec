import { cardDetector } from './card.ts';
import type { Detector } from './detector.ts';
import { emailDetector } from './email.ts';
import { ibanDetector } from './iban.ts';
import { ipv4Detector, ipv6Detector } from './ip.ts';
import { phoneDetector } from './phone.ts';
import { routingDetector } from './routing.ts';
import { SECRET_DETECTORS } from './secrets.ts';
import { ssnDetector } from './ssn.ts';

/** A rule that comes with the engine. */
export interface BuiltIn {
  readonly name: string;
  /** Which preset switches it on: `pii_detection` or `secrets`. */
  readonly group: 'pii' | 'secret';
  readonly onByDefault: boolean;
  /** Comes in the place of a match unless told otherwise. */
  readonly replace: string;
  readonly detector: Detector;
}

function builtIn(name: string, group: BuiltIn['group'], detector: Detector, replace = nameAsText(name)): BuiltIn {
  return { name, group, onByDefault: false, replace, detector };
}

/** `aws_key` → `[REDACTED-AWS-KEY]`. */
function nameAsText(name: string): string {
  return `[REDACTED-${name.toUpperCase().replaceAll('_', '-')}]`;
}

/** In the order in which they run. */
export const CATALOGUE: readonly BuiltIn[] = [
  { ...builtIn('ssn', 'pii', ssnDetector), onByDefault: true },
  // Before cards and telephone numbers, which may look like a stretch of one.
  builtIn('iban', 'pii', ibanDetector),
  { ...builtIn('credit_card', 'pii', cardDetector, '[REDACTED-CC]'), onByDefault: true },
  { ...builtIn('email', 'pii', emailDetector), onByDefault: true },
  // Whose end may be an IPv4 address.
  builtIn('ipv6', 'pii', ipv6Detector),
  builtIn('ipv4', 'pii', ipv4Detector),
  builtIn('us_routing_number', 'pii', routingDetector),
  builtIn('phone', 'pii', phoneDetector),
  ...SECRET_DETECTORS.map(([name, detector]) => builtIn(name, 'secret', detector)),
];

/** Whether a key may match any of the keys that detectors are hinted with: a quick look at a whole text, which may have one. */
export const HINT =
  /ssn|social|\bsoc|routing|transit|aba|rtn|secret|phone|mobile|whatsapp|msisdn|tel|fax|cell|version|release|section|chapter|clause|build/i;
