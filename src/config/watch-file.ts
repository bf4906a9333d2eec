import { stat } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

export interface WatchOptions {
  /** Between two looks. */
  readonly intervalMs?: number;
  /** How long a file that has changed must stay as it is before it is read: one that is being written is not whole. */
  readonly quietMs?: number;
}

export interface FileWatch {
  close(): void;
}

/**
 * Calls `read` whenever a file may have changed: at first, since it may have changed after whoever asks has read it, and once
 * more after each change, since a file that was written twice may look the same. `isNew` says that it looks different than
 * before. Polled, because mounted configuration changes by swapping links, which file watchers miss. One call at a time;
 * `read` must not reject.
 */
export function watchFile(
  path: string,
  read: (isNew: boolean) => Promise<void>,
  { intervalMs = 1000, quietMs = 100 }: WatchOptions = {},
): FileWatch {
  let seen: string | undefined;
  let again = true;
  let busy = false;
  let closed = false;
  const look = async (): Promise<void> => {
    const found = await fingerprint(path);
    if (found === seen && !again) return;
    await sleep(quietMs, undefined, { ref: false });
    if (closed || found !== (await fingerprint(path))) return;
    const isNew = found !== seen;
    again = isNew;
    seen = found;
    await read(isNew);
  };
  const timer = setInterval(() => {
    if (busy) return;
    busy = true;
    void look().finally(() => {
      busy = false;
    });
  }, intervalMs).unref();
  return {
    close() {
      closed = true;
      clearInterval(timer);
    },
  };
}

/** What changes when the content does, of the file behind all links. A file that is not there is one more state of it. */
async function fingerprint(path: string): Promise<string> {
  try {
    const { mtimeMs, ctimeMs, size, ino, dev } = await stat(path);
    return [mtimeMs, ctimeMs, size, ino, dev].join(':');
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
  }
}
