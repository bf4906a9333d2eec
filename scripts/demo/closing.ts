/** When something is closed: sidecars first, because they flush what they hold to the others; the directory last. */
const ORDER = ['sidecar', 'part', 'directory'] as const;

/** What has to be closed at the end, however the end comes. */
export class Closing {
  readonly #closers: { kind: (typeof ORDER)[number]; close: () => Promise<unknown> }[] = [];
  #closed = false;

  /** Once everything is being closed, nothing may be started any more. */
  get closed(): boolean {
    return this.#closed;
  }

  add(kind: (typeof ORDER)[number], close: () => Promise<unknown>): void {
    if (this.#closed) void close().catch(() => undefined);
    else this.#closers.push({ kind, close });
  }

  async run(): Promise<void> {
    this.#closed = true;
    for (const wanted of ORDER) {
      const closers = this.#closers.filter(({ kind }) => kind === wanted);
      await Promise.allSettled(closers.map(({ close }) => close()));
    }
  }
}
