import { styleText } from 'node:util';
import type { LogLevel } from '../log.ts';
import type { LogLine } from './log.ts';

const COLOUR = { debug: 'gray', info: 'green', warn: 'yellow', error: 'red' } as const satisfies Record<
  LogLevel,
  string
>;

/** Control characters, with which a value could move the cursor or colour what follows. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
// oxlint-disable-next-line no-control-regex -- they are what is looked for
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/g;

/** `12:00:00.000 WARN  message  name=value …`, coloured as far as the stream and `NO_COLOR` allow. */
export function prettyLine({ time, level, msg, fields }: LogLine, stream: NodeJS.WritableStream): string {
  const facts = Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => ` ${styleText('dim', `${visible(name)}=`, { stream })}${visible(plain(value))}`);
  const label = styleText(COLOUR[level], level.toUpperCase().padEnd(5), { stream });
  return `${styleText('dim', time.slice(11, 23), { stream })} ${label} ${visible(msg)}${facts.join('')}\n`;
}

function plain(value: unknown): string {
  return typeof value === 'string' && /^[^\s"=]+$/.test(value) ? value : JSON.stringify(value);
}

function visible(text: string): string {
  return text.replace(CONTROL, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
