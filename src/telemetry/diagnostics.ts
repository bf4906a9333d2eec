import type { DiagLogger } from '@opentelemetry/api';
import type { Log } from '../log.ts';
import { cleanText } from './clean.ts';

/** How many messages of the SDK are let through in one period. */
const BURST = 10;
const PERIOD_MS = 60_000;

/**
 * The SDK's own messages in our log: few, short, and of their text only, because the objects beside it hold whole spans,
 * headers and replies.
 */
export function diagnostics(log: Log, now: () => number = () => performance.now()): DiagLogger {
  let since = Number.NEGATIVE_INFINITY;
  let told = 0;
  let held = 0;
  const via =
    (level: 'debug' | 'info' | 'warn' | 'error') =>
    (message: string, ...rest: unknown[]): void => {
      if (now() - since >= PERIOD_MS) {
        if (held > 0) log.warn('OpenTelemetry: further messages were held back', { count: held });
        since = now();
        told = 0;
        held = 0;
      }
      if (told >= BURST) {
        held++;
        return;
      }
      told++;
      const text = [message, ...rest].filter((part) => typeof part === 'string' || typeof part === 'number').join(' ');
      log[level](`OpenTelemetry: ${cleanText(text, 300)}`);
    };
  return { error: via('error'), warn: via('warn'), info: via('info'), debug: via('debug'), verbose: via('debug') };
}
