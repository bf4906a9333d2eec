import { readFile, stat } from 'node:fs/promises';
import type { NamedToken } from '../tokens.ts';

/**
 * Reads bearer tokens, one a line: `TOKEN` or `NAME TOKEN`; empty lines and those beginning with `#` are skipped. Throws an
 * Error that names the line but never its content.
 */
export function parseTokens(text: string): NamedToken[] {
  const tokens: NamedToken[] = [];
  for (const [index, raw] of text.split(/\r?\n/).entries()) {
    const line = raw.trim();
    if (line === '' || line.startsWith('#')) continue;
    const words = line.split(/\s+/);
    const token = words.at(-1) as string; // a line that is not empty has a word
    if (words.length > 2 || !/^[\x21-\x7e]{1,4096}$/.test(token)) {
      throw new Error(`line ${index + 1}: expected TOKEN or NAME TOKEN, in visible ASCII characters`);
    }
    tokens.push({ name: words.length === 2 ? (words[0] as string) : `token-${tokens.length + 1}`, token });
  }
  if (tokens.length === 0) throw new Error('the file holds no token');
  return tokens;
}

export interface TokenFile {
  close(): void;
}

/**
 * Gives the tokens of a file to `use`, now and whenever the file has changed. Polled, because mounted secrets change by
 * swapping links, which file watchers miss. Rejects when the first read fails; a bad file later keeps the tokens in force
 * and tells `onFault`, once for each fault and not again while it lasts. After one the tokens are given again, also when they
 * are the same.
 */
export async function watchTokenFile(
  path: string,
  use: (tokens: NamedToken[]) => void,
  onFault: (message: string) => void,
  intervalMs = 1000,
): Promise<TokenFile> {
  let seen = await fingerprint(path);
  let inForce = await readFile(path, 'utf8');
  use(parseTokens(inForce));
  let busy = false;
  let fault: string | undefined;
  const check = async (): Promise<void> => {
    if (busy) return;
    busy = true;
    try {
      const now = await fingerprint(path);
      if (now === seen && fault === undefined) return;
      const text = await readFile(path, 'utf8');
      const tokens = parseTokens(text);
      // A file that was written between the two looks is read now and looks changed once more the next time.
      if (text !== inForce || fault !== undefined) use(tokens);
      inForce = text;
      seen = now;
      fault = undefined;
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      if (message !== fault) onFault(message);
      fault = message;
    } finally {
      busy = false;
    }
  };
  const timer = setInterval(() => void check(), intervalMs).unref();
  return { close: () => clearInterval(timer) };
}

async function fingerprint(path: string): Promise<string> {
  const { mtimeMs, size, ino } = await stat(path);
  return `${mtimeMs}:${size}:${ino}`;
}
