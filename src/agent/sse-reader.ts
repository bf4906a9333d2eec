import { AgentError } from '../contract/agent-error.ts';

/** A server-sent event with data. */
export interface ServerSentEvent {
  /** `message` when the sender gave no name. */
  readonly event: string;
  readonly data: string;
}

/**
 * Reads server-sent events (WHATWG HTML §9.2) out of bytes that may be split anywhere. Gives the events that each chunk completes;
 * one that the stream ends in does not count. An event of more than `limit` characters, or one that is not UTF-8, is `unreadable`.
 */
export function sseReader(limit: number): (chunk: Uint8Array) => ServerSentEvent[] {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let rest: string[] = [];
  /** Of those, how many at the end have not been joined. */
  let small = 0;
  let size = 0;
  let afterReturn = false;
  let event = '';
  let data: string[] = [];

  const line = (text: string, into: ServerSentEvent[]): void => {
    if (text === '') {
      if (data.length > 0) into.push({ event: event || 'message', data: data.join('\n') });
      event = '';
      data = [];
      size = 0;
      return;
    }
    const colon = text.indexOf(':');
    const name = colon === -1 ? text : text.slice(0, colon);
    if (name !== 'data' && name !== 'event') return;
    const from = colon === -1 ? text.length : text.charCodeAt(colon + 1) === SPACE ? colon + 2 : colon + 1;
    if (name === 'event') event = text.slice(from);
    else data.push(text.slice(from));
  };

  return (chunk) => {
    const events: ServerSentEvent[] = [];
    const text = decode(decoder, chunk);
    let start = 0;
    // CR LF is one line end, even when it is split.
    if (afterReturn && text !== '') {
      if (text.charCodeAt(0) === LF) start = 1;
      afterReturn = false;
    }
    let feed = text.indexOf('\n', start);
    let carriage = text.indexOf('\r', start);
    while (feed !== -1 || carriage !== -1) {
      const end = carriage !== -1 && (feed === -1 || carriage < feed) ? carriage : feed;
      size += end - start;
      if (size > limit) throw tooLarge(limit);
      const tail = text.slice(start, end);
      if (rest.length === 0) line(tail, events);
      else {
        rest.push(tail);
        const whole = rest.join('');
        rest = [];
        small = 0;
        line(whole, events);
      }
      start = end + 1;
      if (end === carriage) {
        if (start === text.length) afterReturn = true;
        else if (text.charCodeAt(start) === LF) start++;
        carriage = text.indexOf('\r', start);
      }
      if (feed !== -1 && feed < start) feed = text.indexOf('\n', start);
    }
    if (start < text.length) {
      rest.push(text.slice(start));
      // A line in single bytes would otherwise be held as so many strings.
      if (++small >= MANY) {
        rest.push(rest.splice(rest.length - small).join(''));
        small = 0;
      }
      size += text.length - start;
      if (size > limit) throw tooLarge(limit);
    }
    return events;
  };
}

const MANY = 4_096;
const LF = 0x0a;
const SPACE = 0x20;

function decode(decoder: TextDecoder, chunk: Uint8Array): string {
  try {
    return decoder.decode(chunk, { stream: true });
  } catch (cause) {
    throw new AgentError('unreadable', 'the stream of the agent is not UTF-8', { cause });
  }
}

function tooLarge(limit: number): AgentError {
  return new AgentError('unreadable', `an event of the agent is larger than the ${limit} characters allowed here`);
}
