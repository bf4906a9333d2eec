import type { Call } from '../call.ts';
import { transcode } from '../guardrails/charset.ts';
import { inspect } from '../guardrails/inspect.ts';
import { parseMediaType } from '../guardrails/media.ts';
import type { Head } from './guard-head.ts';
import { inspectUtf8, isSmall } from './guard-inspect.ts';
import type { Side } from './guard-side.ts';
import { mayPass } from './guard-unreadable.ts';
import type { Direction, Inspected, WebSocketGuardOptions } from './guard-websocket-options.ts';

const TEXT: Head = { contentType: 'text/plain', media: parseMediaType('text/plain'), codings: [] };

/** The rules for the messages of one WebSocket: `sides` are those of its two directions. */
export function messageGuard<C extends Call>(sides: Readonly<Record<Direction, Side<C>>>): WebSocketGuardOptions {
  const { request } = sides;
  return {
    limit: request.limit,
    hold: () => request.shared.budget.hold(),
    unreadable(reason, direction) {
      const { findings, state } = sides[direction];
      const passes = mayPass(state.settings.onUnreadable, reason === 'binary');
      findings.unreadable(reason, passes ? 'passed' : 'blocked');
      return passes ? 'pass' : 'block';
    },
    inspect(bytes, direction, kind) {
      const side = sides[direction];
      const isQuick = kind === 'text' && isSmall(side.engine, bytes) && side.state.webhooks(side.surface).length === 0;
      return isQuick ? quick(side, bytes) : slow(side, bytes, kind);
    },
  };
}

function quick(side: Side, bytes: Uint8Array): Inspected {
  const inspection = inspect(side.engine, bytes, TEXT.contentType);
  side.found(inspection.hits, inspection.blockedBy);
  side.findings.record();
  return inspection;
}

async function slow(side: Side, bytes: Uint8Array, kind: 'text' | 'binary'): Promise<Inspected> {
  const text = kind === 'text' ? undefined : transcode(bytes, undefined);
  if (text === 'unknown' || text === 'malformed') {
    side.unreadable(text === 'unknown' ? 'unknown_charset' : 'malformed_charset');
    return { bytes, blockedBy: undefined };
  }
  const utf8 = text?.utf8 ?? bytes;
  const outcome = await inspectUtf8(side, utf8, TEXT);
  side.found(outcome.hits, undefined);
  side.findings.record();
  if (outcome.bytes === utf8) return { bytes, blockedBy: undefined };
  return { bytes: text?.encode(outcome.bytes) ?? outcome.bytes, blockedBy: undefined };
}
