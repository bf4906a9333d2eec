import type { Json } from './json.ts';
import type { Place } from './target.ts';

/** A command or its arguments: a text, or a list of them. */
export interface Command extends Place {
  readonly words: Json | undefined;
}

/** Where a command names this port as one to listen on. Looks into shell scripts as well; the first place only. */
export function portInCommand(command: Command, port: number): Place[] {
  return wordsAt(command, (word, before) => isPort(word, before, String(port)));
}

/** Where a command names an address that stands for every interface: `0.0.0.0`, `::`, `*:8000`. The first place only. */
export function openAddressInCommand(command: Command): Place[] {
  return wordsAt(command, isOpenAddress);
}

type IsMeant = (word: string, before: string) => boolean;

function wordsAt({ document, path, words }: Command, isMeant: IsMeant): Place[] {
  const list = Array.isArray(words) ? words : [words ?? null];
  const index = findWord(list, isMeant);
  return index === undefined ? [] : [{ document, path: Array.isArray(words) ? [...path, index] : path }];
}

function findWord(command: readonly Json[], isMeant: IsMeant): number | undefined {
  const words = command.flatMap((word, index) =>
    typeof word === 'string' || typeof word === 'number'
      ? String(word)
          .split(/[\s'"`;&|]+/)
          .filter((part) => part !== '')
          .map((part) => ({ part, index }))
      : [],
  );
  return words.find(({ part }, at) => isMeant(part, words[at - 1]?.part ?? ''))?.index;
}

const LISTENING = /port|bind|listen|addr|serve|urls/i;
const SHORT_LISTENING = /^-[pPbl]$/;
/** Addresses that are the container's own; a port of another host is not one that the agent listens on. */
const OWN_ADDRESS = /^(?:\w+:\/\/)?(?:0\.0\.0\.0|127\.0\.0\.1|localhost|\[::1?\]|\*|\+|\$\{?\w+\}?)?:(\d+)(?:\/.*)?$/;

function isOpenAddress(word: string): boolean {
  return /(^|[=/])(0\.0\.0\.0|\[?::\]?|\*:\d+|\+:\d+)(:\d+|\/|$)/.test(word);
}

/**
 * True for a word of a command that names a port to listen on: `--port 8000`, `-p 8000`, `--bind=0.0.0.0:8000`,
 * `PORT=8000`, `:8000`, or the number alone where no other flag stands before it.
 */
function isPort(word: string, before: string, port: string): boolean {
  const [, key = '', value = ''] = /^([^=]+)=(.*)$/.exec(word) ?? [];
  if (key !== '') return (LISTENING.test(key) && value === port) || isOwnAddress(value, port);
  if (word === port) return !before.startsWith('-') || LISTENING.test(before) || SHORT_LISTENING.test(before);
  return isOwnAddress(word, port) || (SHORT_LISTENING.test(word.slice(0, 2)) && word.slice(2) === port);
}

function isOwnAddress(text: string, port: string): boolean {
  return OWN_ADDRESS.exec(text)?.[1] === port;
}

/** The port of an address that is the container's own, such as `0.0.0.0:8000`; undefined for another one, or without a port. */
export function ownPort(text: string): number | undefined {
  const port = Number(OWN_ADDRESS.exec(text)?.[1]);
  return port > 0 && port <= 65_535 ? port : undefined;
}
