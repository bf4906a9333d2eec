import type { Json } from './json.ts';

/** Tests of the container's own health that ask its old port, brought to the new one. */
export function movePort(test: Json | undefined, from: number, to: number): Json | undefined {
  if (typeof test === 'string') return moveIn(test, from, to);
  if (Array.isArray(test)) return test.map((word: Json) => (typeof word === 'string' ? moveIn(word, from, to) : word));
  return test;
}

/** In a URL: a port of it is not the container's. */
const ANOTHER_HOST = String.raw`//(?!localhost|127\.0\.0\.1|0\.0\.0\.0|\[|\$)[\w.-]+`;

function moveIn(text: string, from: number, to: number): string {
  const named = text
    .replaceAll(new RegExp(String.raw`(?<!\$)\$\{\w+:?-${from}\}`, 'g'), String(to))
    .replaceAll(new RegExp(String.raw`(?<![\w.-])(?<!${ANOTHER_HOST}:)${from}(?![\w.-])`, 'g'), String(to));
  if (from !== 80) return named;
  return named.replaceAll(/(http:\/\/(?:localhost|127\.0\.0\.1|\[::1\]))(?![:\w.])/g, `$1:${to}`);
}
