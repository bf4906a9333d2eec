/**
 * A stretch of a text on its way through the rules. `text` is what the rules see, `raw` what came for it: the same, unless the
 * text is a view of what came (an escape and what it stands for; characters that a view leaves out), or a rule has put
 * something in its place (`edited`). Only stretches that are the same in both can be cut anywhere.
 */
export interface Run {
  readonly text: string;
  readonly raw: string;
  readonly edited: boolean;
}

/** A stretch that leaves a stream: `raw` units of what came leave as `text`, or as they came when it is undefined. */
export interface Piece {
  readonly raw: number;
  readonly text: string | undefined;
}
