import { type Command, ownPort } from './command.ts';
import type { Place } from './target.ts';

export interface ListeningPort extends Place {
  readonly port: number;
  /** True where the last program names it: what a script starts before that stands beside it. */
  readonly isMain: boolean;
}

/**
 * The ports that a container's commands seem to listen on, by the flags of servers: `--port 8000`, `-b :8000`, `runserver 8000`;
 * each once. `commands` are the words of one program, in their order: an entrypoint, then its arguments.
 */
export function listeningPorts(commands: readonly Command[]): ListeningPort[] {
  const programs = programsIn(commands).filter((words) => words.length > 0);
  const all = programs.flatMap((words, index) => {
    return portsOf(words).map((port) => ({ ...port, isMain: index === programs.length - 1 }));
  });
  // Of several places of a port, the last: it is the main program's, if any is.
  return [...new Map(all.map((one) => [one.port, one])).values()];
}

/** True where a command itself puts `PORT` in: `--port $PORT`, or `$$PORT` where Compose would fill it in. */
export function namesPortVariable(commands: readonly Command[]): boolean {
  return commands.some(({ words }) =>
    (Array.isArray(words) ? words : [words]).some((word) => typeof word === 'string' && /\$\{?PORT\b/.test(word)),
  );
}

interface Word extends Place {
  readonly text: string;
}

/** The words of each program; a shell's script holds several. */
function programsIn(commands: readonly Command[]): Word[][] {
  const programs: Word[][] = [[]];
  for (const { document, path, words } of commands) {
    const list = Array.isArray(words) ? words : [words ?? null];
    for (const [index, word] of list.entries()) {
      if (typeof word !== 'string' && typeof word !== 'number') continue;
      const place = { document, path: Array.isArray(words) ? [...path, index] : path };
      for (const [at, part] of script(String(word)).split(ENDS).entries()) {
        if (at > 0) programs.push([]);
        for (const text of part.split(/[\s'"`()]+/)) {
          const program = programs.at(-1) ?? [];
          if (text === '--' || (SCRIPT_FLAG.test(text) && SHELL.test(program.at(-1)?.text ?? ''))) programs.push([]);
          else if (text !== '') program.push({ ...place, text });
        }
      }
    }
  }
  return programs;
}

/** A script without its comments, and with the lines that a backslash continues in one. */
function script(text: string): string {
  return text.replaceAll(/\\\r?\n/g, ' ').replaceAll(/(^|\s)#[^\n]*/g, '$1');
}

const SHELL = /(^|\/)(ba|da|a|z|k)?sh$/;
const SCRIPT_FLAG = /^-[a-z]*c$/;

/** Where one program of a script ends. */
const ENDS = /[;&|\n]/;

/** Programs, and scripts by their usual names, that call a port, or listen on one for other than HTTP. */
const OTHERS =
  /^(psql|pg_\w+|postgres|mysql\w*|mariadb\w*|mongo\w*|redis-\w+|valkey-\w+|clickhouse\S*|memcached|nats-server|temporal|tailscaled|ray|celery|nc|ncat|netcat|telnet|curl|wget|ssh|cloud[-_]sql[-_]proxy\S*|alloydb\S*|wait[-_]\S*|dockerize)$/;
/** Their `--listen` is for whoever debugs. */
const DEBUGGERS = /^(debugpy|dlv)$/;

/** Servers of which the short flags are known. */
const SHORT_FLAGS: readonly (readonly [RegExp, RegExp])[] = [
  [/^(gunicorn|hypercorn)$/, /^-b$/],
  [/^puma$/, /^-[pb]$/],
  [/^unicorn(_rails)?$/, /^-[pl]$/],
  [/^(flask|daphne|sanic|rails|rackup|thin|next|http-server|json-server|langgraph|bentoml|mlflow|waitress)$/, /^-p$/],
  [/^serve$/, /^-[lp]$/],
  [/^php$/, /^-S$/],
];

const PORT_FLAG = /^--?(http-|server[.-]|listen-)?port$|^-Dserver\.port$/;
const ADDRESS_FLAG = /^--?(bind|insecure-bind|listen|addr|urls|http|http-socket|(bind|listen|http)-addr(ess)?)$/;
const OWN_HOST = /^(0\.0\.0\.0|127\.0\.0\.1|localhost|\[?::1?\]?|\*|\+|\$\$?\{?HOST\b.*)$/;

function portsOf(words: readonly Word[]): Omit<ListeningPort, 'isMain'>[] {
  const names = words.map(({ text }) => text.slice(text.lastIndexOf('/') + 1).toLowerCase());
  const flags = words.findIndex(({ text }) => text.startsWith('-'));
  if (names.slice(0, flags === -1 ? names.length : flags).some((name) => OTHERS.test(name))) return [];
  if (callsAnother(words)) return [];
  const short = SHORT_FLAGS.filter(([server]) => names.some((name) => server.test(name))).map(([, flag]) => flag);
  const program = { short, isDebugged: names.some((name) => DEBUGGERS.test(name)) };
  return words.flatMap((word, at) => {
    const port = portOf(word.text, words[at - 1]?.text ?? '', program);
    return port === undefined ? [] : [{ document: word.document, path: word.path, port }];
  });
}

/** True where `--host` names another machine: then the port is its. */
function callsAnother(words: readonly Word[]): boolean {
  return words.some(({ text }, at) => {
    const [flag = '', ...inline] = text.split('=');
    if (flag !== '--host' && flag !== '--hostname') return false;
    return !OWN_HOST.test(inline.length > 0 ? inline.join('=') : (words[at + 1]?.text ?? ''));
  });
}

interface Program {
  readonly short: readonly RegExp[];
  readonly isDebugged: boolean;
}

function portOf(word: string, before: string, program: Program): number | undefined {
  const [, flag = '', value = ''] = /^(-[^=]*|PORT)=(.*)$/.exec(word) ?? [];
  if (flag === 'PORT' || PORT_FLAG.test(flag)) return numberOf(value);
  if (flag !== '') return addressPort(flag, value, program);
  if (PORT_FLAG.test(before)) return numberOf(word);
  if (ADDRESS_FLAG.test(before)) return addressPort(before, word, program);
  const isShort = (text: string): boolean => program.short.some((one) => one.test(text));
  if (/^(http\.server|runserver)$/.test(before) || isShort(before)) return numberOf(word) ?? ownPort(word);
  return isShort(word.slice(0, 2)) ? (numberOf(word.slice(2)) ?? ownPort(word.slice(2))) : undefined;
}

function addressPort(flag: string, value: string, { isDebugged }: Program): number | undefined {
  if (!ADDRESS_FLAG.test(flag) || (isDebugged && flag.endsWith('-listen'))) return undefined;
  // `--http http://…` is what a client calls.
  return /^--?http/.test(flag) && value.includes('://') ? undefined : ownPort(value);
}

function numberOf(text: string): number | undefined {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  return port > 0 && port <= 65_535 ? port : undefined;
}
