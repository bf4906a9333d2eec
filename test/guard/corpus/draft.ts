import type { Random } from './random.ts';

/** A value that a rule is to find. */
export interface Label {
  /** Name of the built-in rule. */
  readonly type: string;
  /** The value as a reader sees it: decoded, and in one piece when the body has it in pieces. */
  readonly text: string;
  /** `context`: it could be anything, but for the words or the name before it. */
  readonly by?: 'context';
}

/** A value that looks like one that a rule is to find, and is none. */
export interface Decoy {
  /** What it is: `uuid`, `card: wrong check digit`. */
  readonly what: string;
  readonly text: string;
}

/** One labelled body. */
export interface Entry {
  readonly id: string;
  readonly kind: string;
  readonly content_type: string;
  readonly body: string;
  readonly labels: readonly Label[];
  readonly decoys: readonly Decoy[];
}

/** Something to put into a body. */
export interface Value {
  /** Chooses the sentences and field names around it. */
  readonly topic: string;
  /** What is put in: the value, with what must stand right beside it. */
  readonly text: string;
  readonly label?: Label;
  readonly decoy?: Decoy;
  /** Nobody could tell what it is without the words, or the name of the field, before it. */
  readonly isContextual?: boolean;
}

/** Remembers what was put into a body while it is made. */
export class Draft {
  readonly random: Random;
  readonly labels: Label[] = [];
  readonly decoys: Decoy[] = [];

  constructor(random: Random) {
    this.random = random;
  }

  /** Takes note of a value, which goes into the body now. */
  put(value: Value): Value {
    if (value.label !== undefined) this.labels.push(value.label);
    if (value.decoy !== undefined) this.decoys.push(value.decoy);
    return value;
  }
}
