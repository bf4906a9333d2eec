import type { Thread } from './event-entry.ts';
import { escapeEnd, numberEnd } from './json-tokens.ts';
import type { Place } from './scan.ts';

/** A token of an event that differs from event to event. */
export interface Slot {
  /** Of what stands between its quotes, or of the number, in the text of the event. */
  readonly start: number;
  readonly end: number;
  readonly isNumber: boolean;
  /** What it goes on with; undefined: it is whole. */
  readonly thread: Thread | undefined;
  readonly at: () => Place;
}

/**
 * What an event is made of but for the tokens that differ from event to event. Most events of a stream are alike in all else, and
 * are read without taking them apart again.
 */
export class EventTemplate {
  readonly slots: readonly Slot[];
  /** What stands before, between and behind the slots. */
  readonly #fixed: readonly string[];
  /** Of the last event that was alike: what is in its slots, and whether that holds a backslash. */
  readonly starts: number[] = [];
  readonly ends: number[] = [];
  readonly escaped: boolean[] = [];

  constructor(text: string, slots: readonly Slot[]) {
    this.slots = slots;
    const stops = [...slots.map(({ start }) => start), text.length];
    this.#fixed = stops.map((stop, i) => text.slice(i === 0 ? 0 : slots[i - 1]?.end, stop));
  }

  /** Whether an event is like the one this was made of. */
  matches(text: string): boolean {
    const fixed = this.#fixed;
    const { slots } = this;
    let at = 0;
    for (let i = 0; i < slots.length; i++) {
      // There is one more of them than of slots.
      const before = fixed[i] as string;
      // A slice copies nothing, and comparing it is native: twenty times as fast as `startsWith`.
      if (text.slice(at, at + before.length) !== before) return false;
      at += before.length;
      this.starts[i] = at;
      at = slots[i]?.isNumber === true ? numberEnd(text, at) : this.#stringEnd(text, at, i);
      if (at < 0) return false;
      this.ends[i] = at;
    }
    return text.slice(at) === fixed[slots.length];
  }

  /** -1 when it does not end, or is none. */
  #stringEnd(text: string, from: number, slot: number): number {
    this.escaped[slot] = false;
    for (let at = from; at >= 0 && at < text.length; at++) {
      const c = text.charCodeAt(at);
      if (c === 34) return at;
      if (c < 32) return -1;
      if (c !== 92) continue;
      this.escaped[slot] = true;
      at = escapeEnd(text, at, text.length);
      if (at < 0) return -1;
    }
    return -1;
  }
}
