import { type ModelApi, Reading } from '../../pricing/api.ts';
import { JsonMembers } from '../../pricing/json-members.ts';
import { SseData } from '../../pricing/sse-data.ts';

/** `opaque`: what it says of usage, if anything, is not read. */
export type ReplyKind = 'json' | 'events' | 'opaque';

/** Reads model and usage out of a reply as it passes by, in bounded memory. Throws nothing. */
export class UsageScanner {
  readonly reading: Reading = new Reading();
  /** True once an event stream has said that it is over. */
  isDone = false;
  #isBroken = false;
  readonly #write: (bytes: Uint8Array) => void;
  readonly #end: () => void;

  constructor(api: ModelApi, kind: ReplyKind) {
    const members = new JsonMembers(api.members);
    if (kind === 'json') {
      this.#write = (bytes) => members.write(bytes);
      this.#end = () => api.read(members.values, this.reading);
    } else if (kind === 'events') {
      const data = new SseData({
        write: (bytes, from, to) => members.write(bytes, from, to),
        end: (isDone) => {
          if (isDone) this.isDone = true;
          else if (members.values.size > 0) api.read(members.values, this.reading);
          members.reset();
        },
      });
      this.#write = (bytes) => data.write(bytes);
      this.#end = () => data.end();
    } else {
      this.#write = () => undefined;
      this.#end = () => undefined;
    }
  }

  write(bytes: Uint8Array): void {
    this.#guarded(() => this.#write(bytes));
  }

  /** No more will come. */
  end(): void {
    this.#guarded(() => this.#end());
  }

  /** A fault of ours must not become one of the call that it looks at: what was read so far stands. */
  #guarded(work: () => void): void {
    if (this.#isBroken) return;
    try {
      work();
    } catch {
      this.#isBroken = true;
    }
  }
}
