import { fromJson, toJson } from '@bufbuild/protobuf';
import { type Timestamp, TimestampSchema } from '@bufbuild/protobuf/wkt';
import { AgentError } from './agent-error.ts';

/** RFC 3339, from the year 1 to 9999, with up to nine digits after the second. */
export function isTimestamp(text: string): boolean {
  try {
    fromJson(TimestampSchema, text);
    return true;
  } catch {
    return false;
  }
}

export function timestampToMessage(text: string): Timestamp {
  return fromJson(TimestampSchema, text);
}

export function timestampFromMessage(timestamp: Timestamp): string {
  try {
    return toJson(TimestampSchema, timestamp);
  } catch {
    throw new AgentError('bad_request', 'the message holds a time that is none');
  }
}
