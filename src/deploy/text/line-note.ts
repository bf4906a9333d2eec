/** Something to say of a line of a manifest. */
export interface LineNote {
  /** From 1; 0 for the file as a whole. */
  readonly line: number;
  /** From 1. */
  readonly document: number;
  readonly message: string;
}

/** A file that cannot be read, injected into or ejected from: what is wrong, with line and document of each. */
export class ManifestTextError extends Error {
  override readonly name = 'ManifestTextError';
  readonly faults: readonly LineNote[];

  constructor(faults: readonly LineNote[]) {
    super(faults.map(({ message }) => message).join('\n'));
    this.faults = faults;
  }
}
