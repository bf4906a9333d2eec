/**
 * Follows one text that comes in pieces and finds the matches of one rule in it. Places are absolute: code units from the
 * beginning of everything pushed. However the text is cut, all matches together are those that `find` gives for the whole.
 */
export interface Follower {
  /**
   * Takes what came next and adds the matches that are decided now to `spans`, in order. Gives the place before which all is
   * decided: every match that begins there has been given. What is behind it may still become part of a match.
   */
  push(text: string, spans: number[]): number;
  /** The text is over: adds the matches that were left. */
  end(spans: number[]): void;
  /** An independent one that has seen the same. */
  clone(): Follower;
}
