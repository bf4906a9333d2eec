import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { ADMIN_ROLE } from '../caller.ts';
import type { NamedToken } from '../tokens.ts';
import { ROLE, SLUG } from './scalars.ts';

/**
 * Reads bearer tokens, one a line: `TOKEN` or `NAME TOKEN`; empty lines and those beginning with `#` are skipped. Throws an
 * Error that names the line but never its content.
 */
export function parseTokens(text: string): NamedToken[] {
  return parseLines(text, (words, line, count) => {
    const token = words.at(-1) as string; // a line that is not empty has a word
    if (words.length > 2 || !isToken(token)) throw lineFault(line, 'TOKEN or NAME TOKEN, in visible ASCII characters');
    return { name: words.length === 2 ? (words[0] as string) : `token-${count + 1}`, token };
  });
}

/** A key for callers of a host. */
export interface ApiKey extends NamedToken {
  readonly roles: readonly string[];
}

/**
 * Reads API keys, one a line: `KEY`, `NAME KEY` or `NAME KEY ROLE,ROLE`, so that a file of bearer tokens is one too. Whoever calls
 * with a key without a name is told apart by its hash: a number would be another caller's when a line before it goes. Throws as
 * `parseTokens` does.
 */
export function parseKeys(text: string): ApiKey[] {
  return parseLines(text, (words, line) => {
    const [first = '', second, list = ''] = words;
    const token = second ?? first;
    const name = second === undefined ? `key-${hashOf(token)}` : first;
    const roles = list === '' ? [] : list.split(',');
    if (words.length > 3 || !isToken(token) || !SLUG.test(name) || !roles.every((role) => ROLE.test(role))) {
      throw lineFault(
        line,
        'KEY, NAME KEY or NAME KEY ROLE,ROLE, in letters, digits, ".", "_" and "-" but for the KEY',
      );
    }
    if (name === ADMIN_NAME && !roles.includes(ADMIN_ROLE))
      throw lineFault(line, `the role ${ADMIN_ROLE} for the name ${name}`);
    return { name, token, roles };
  });
}

/** The principal whose key is `AGENT_AUTH_TOKEN`: who has the same name has the same jobs. */
export const ADMIN_NAME = 'admin';

function hashOf(token: string): string {
  return createHash('sha256').update(token).digest('hex').slice(0, 12);
}

function isToken(text: string): boolean {
  return /^[\x21-\x7e]{1,4096}$/.test(text);
}

function lineFault(line: number, expected: string): Error {
  return new Error(`line ${line}: expected ${expected}`);
}

/** `count`: entries before this one. */
function parseLines<Entry>(
  text: string,
  read: (words: readonly string[], line: number, count: number) => Entry,
): Entry[] {
  const entries: Entry[] = [];
  for (const [index, raw] of text.split(/\r?\n/).entries()) {
    const line = raw.trim();
    if (line === '' || line.startsWith('#')) continue;
    entries.push(read(line.split(/\s+/), index + 1, entries.length));
  }
  if (entries.length === 0) throw new Error('the file holds no token');
  return entries;
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
export function watchTokenFile(
  path: string,
  use: (tokens: NamedToken[]) => void,
  onFault: (message: string) => void,
  intervalMs = 1000,
): Promise<TokenFile> {
  return watchParsed(path, parseTokens, use, onFault, intervalMs);
}

/** The same for a file of API keys. */
export function watchKeyFile(
  path: string,
  use: (keys: ApiKey[]) => void,
  onFault: (message: string) => void,
): Promise<TokenFile> {
  return watchParsed(path, parseKeys, use, onFault, 1000);
}

async function watchParsed<Entry>(
  path: string,
  parse: (text: string) => Entry[],
  use: (entries: Entry[]) => void,
  onFault: (message: string) => void,
  intervalMs: number,
): Promise<TokenFile> {
  let seen = await fingerprint(path);
  let inForce = await readFile(path, 'utf8');
  use(parse(inForce));
  let busy = false;
  let fault: string | undefined;
  const check = async (): Promise<void> => {
    if (busy) return;
    busy = true;
    try {
      const now = await fingerprint(path);
      if (now === seen && fault === undefined) return;
      const text = await readFile(path, 'utf8');
      const tokens = parse(text);
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
