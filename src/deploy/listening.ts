import { type Command, ownPort } from './command.ts';
import type { Place } from './target.ts';

export interface ListeningPort extends Place {
  readonly port: number;
}

/**
 * The ports that a container's commands are certain to listen on, by the flags of servers: `--port 8000`, `-b :8000`,
 * `runserver 8000`. `commands` are the words of one program, in their order: an entrypoint, then its arguments.
 */
export function listeningPorts(commands: readonly Command[]): ListeningPort[] {
  return programsIn(commands).flatMap(portsOf);
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
      for (const [at, part] of String(word).split(ENDS).entries()) {
        if (at > 0) programs.push([]);
        for (const text of part.split(/[\s'"`()]+/)) {
          if (text === '--') programs.push([]);
          else if (text !== '') programs.at(-1)?.push({ ...place, text });
        }
      }
    }
  }
  return programs;
}

/** Where one program of a script ends. */
const ENDS = /[;&|\n]/;

/** What calls a port, or listens on one for other than HTTP. */
const OTHERS =
  /^(psql|pg_\w+|postgres|mysql\w*|mariadb\w*|mongo\w*|redis-\w+|valkey-\w+|memcached|nc|ncat|netcat|telnet|curl|wget|ssh|cloud[-_]sql[-_]proxy|wait-for[\w.-]*|dockerize)$/;

/** Servers of which the short flags are known. */
const SHORT_FLAGS: readonly (readonly [RegExp, RegExp])[] = [
  [/^(gunicorn|hypercorn)$/, /^-b$/],
  [/^puma$/, /^-[pb]$/],
  [/^unicorn(_rails)?$/, /^-[pl]$/],
  [/^(flask|daphne|sanic|rails|rackup|thin|next|http-server|json-server|langgraph|bentoml|mlflow|waitress)$/, /^-p$/],
  [/^serve$/, /^-[lp]$/],
  [/^php$/, /^-S$/],
];

const PORT_FLAG = /^--(http-|server[.-]|listen-)?port$|^-Dserver\.port$/;
const ADDRESS_FLAG = /^--(bind|listen|addr|urls|http|http-socket|(bind|listen|http)-addr(ess)?)$/;
const OWN_HOST = /^(0\.0\.0\.0|127\.0\.0\.1|localhost|\[?::1?\]?|\*|\+|\$.*)$/;

function portsOf(words: readonly Word[]): ListeningPort[] {
  const names = words.map(({ text }) => text.slice(text.lastIndexOf('/') + 1).toLowerCase());
  if (names.some((name) => OTHERS.test(name)) || callsAnother(words)) return [];
  const short = SHORT_FLAGS.filter(([server]) => names.some((name) => server.test(name))).map(([, flag]) => flag);
  return words.flatMap((word, at) => {
    const port = portOf(word.text, words[at - 1]?.text ?? '', short);
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

function portOf(word: string, before: string, short: readonly RegExp[]): number | undefined {
  const [, flag = '', value = ''] = /^(-[^=]*|PORT)=(.*)$/.exec(word) ?? [];
  if (flag === 'PORT') return numberOf(value);
  if (flag !== '') return PORT_FLAG.test(flag) ? numberOf(value) : ADDRESS_FLAG.test(flag) ? ownPort(value) : undefined;
  if (PORT_FLAG.test(before)) return numberOf(word);
  if (ADDRESS_FLAG.test(before)) return ownPort(word);
  if (/^(http\.server|runserver)$/.test(before)) return numberOf(word) ?? ownPort(word);
  if (short.some((one) => one.test(before))) return numberOf(word) ?? ownPort(word);
  return short.some((one) => one.test(word.slice(0, 2)))
    ? (numberOf(word.slice(2)) ?? ownPort(word.slice(2)))
    : undefined;
}

function numberOf(text: string): number | undefined {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  return port > 0 && port <= 65_535 ? port : undefined;
}
