import { z } from 'zod';
import { parseAddress } from '../address.ts';
import { traits } from './traits.ts';
import { formatDuration, parseBytes, parseDuration } from './units.ts';

/** The kinds of single values that the configuration is made of. */

/** The longest delay a timer takes; a longer one would fire at once. */
export const LONGEST_TIMER_MS = 2 ** 31 - 1;

const HOUR_MS = 3_600_000;

const DURATION = 'expected a duration such as 250ms, 25s, 5m or 1h, or a number of seconds';
const SIZE = 'expected a size such as 16KiB, 10MiB or 1GB, or a number of bytes';

/** A span of time: `250ms`, `25s`, `5m`, `1h`, `30d`, or a number of seconds. Parsed to milliseconds. */
export const duration = (shortest: number, longest: number) =>
  z
    .union(
      [
        z
          .number()
          .nonnegative()
          .transform((seconds) => seconds * 1000),
        z
          .string()
          .regex(/^\d{1,15}(\.\d{1,3})?(ms|s|m|h|d)?$/, DURATION)
          .transform(parseDuration),
      ],
      { error: DURATION },
    )
    .refine((ms) => ms >= shortest, `expected at least ${shortest}ms`)
    .refine(
      (ms) => ms <= longest,
      `expected at most ${longest < HOUR_MS ? formatDuration(longest) : `${Math.floor(longest / HOUR_MS)}h`}`,
    )
    .meta({ examples: ['25s', '5m', '250ms'] })
    .register(traits, { unit: 'ms' });

export const timeout = duration(1, LONGEST_TIMER_MS);

/** An amount of bytes: `16KiB`, `10MiB`, `1GB`, or a number of bytes. Parsed to bytes. */
export const bytes = z
  .union(
    [
      z.int().positive(),
      z
        .string()
        .regex(/^\d{1,15}(\.\d{1,3})?(B|KiB|MiB|GiB|kB|MB|GB)?$/, SIZE)
        .transform(parseBytes),
    ],
    { error: SIZE },
  )
  .refine((count) => count >= 1 && Number.isSafeInteger(count), SIZE)
  .meta({ examples: ['10MiB', '64KiB'] })
  .register(traits, { unit: 'bytes' });

export const httpUrl = z.url({ protocol: /^https?$/, error: 'expected an http:// or https:// URL' });

/** `host:port` or `:port`, as listeners take it; IPv6 hosts in brackets. Port 0 takes any free port. */
export const address = z
  .string()
  .regex(/^(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9.-]*):\d{1,5}$/, { error: 'expected HOST:PORT or :PORT', abort: true })
  .refine((text) => parseAddress(text) !== undefined, 'expected HOST:PORT or :PORT, with a port up to 65535');

/** The target of a GET request: a path, perhaps with a query (RFC 9112, section 3.2.1). */
export const agentPath = z
  .string()
  .max(1024)
  .regex(/^\/[\x21\x22\x24-\x7e]*$/, 'expected a path that begins with "/", without spaces and without "#"');

export const SLUG: RegExp = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;
export const slug = z.string().regex(SLUG, 'expected letters, digits, ".", "_" and "-", at most 128');

/** What callers are, and what an agent is for. */
export const ROLE: RegExp = /^[A-Za-z0-9][A-Za-z0-9._:/-]{0,127}$/;
export const role = z.string().regex(ROLE, 'expected letters, digits, ".", "_", ":", "/" and "-", at most 128');

export const environmentName = z
  .string()
  .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'expected the name of an environment variable');

/** What a bearer token may be made of, so that a header can carry it. */
export const bearerToken = z.string().regex(/^[\x21-\x7e]+$/, 'expected visible ASCII characters without spaces');

/** RFC 9110, section 5.6.2. */
export const headerName = z.string().regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/, "expected a header's name");

/** Values hold no control character (RFC 9110, section 5.5). */
export const headers = z.record(
  headerName,
  z
    .string()
    .regex(/^[\t\x20-\x7e\x80-\xff]*$/, 'expected a header value: no line breaks, no control characters')
    .register(traits, { secret: true }),
);
