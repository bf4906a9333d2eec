import type { Json } from '../json.ts';

/** What stands for the container itself. `HOST` is what the agent is told: loopback. */
const OWN = String.raw`(?:localhost|127\.0\.0\.1|0\.0\.0\.0|\[::1?\]|\$HOST\b|\$\{HOST\})`;
const OWN_ALONE = new RegExp(`^${OWN}$`);
/** Behind a number that is whole. */
const END = String.raw`(?![\w.-])`;
/** A flag that is a port. */
const PORT_FLAG = String.raw`--?port[= ]|-p ?`;
/** One that names a host, and what it names. */
const HOST_FLAG = /(?:^|\s)(?:-h|--?host(?:name)?)[= ]\s*(\S+)/;

/**
 * The words of a command with the port behind the container's own addresses changed: `localhost:8000`, `:8000`, `localhost 8000`. With
 * `flags` also that of `--port 8000`, where no other host is named.
 */
export function moveOwnPort(words: readonly Json[], from: number, to: number, flags: boolean): Json[] {
  const [, host] = HOST_FLAG.exec(words.filter((word) => typeof word === 'string').join(' ')) ?? [];
  const isOwn = flags && (host === undefined || OWN_ALONE.test(host));
  return words.map((word, index) => {
    const before = words[index - 1];
    if (typeof word !== 'string') return word;
    const isAlone = word === String(from) && typeof before === 'string';
    if (isAlone && (OWN_ALONE.test(before) || (isOwn && /^(--?port|-p)$/.test(before)))) return String(to);
    return moveInText(word, from, to, isOwn);
  });
}

function moveInText(text: string, from: number, to: number, flags: boolean): string {
  const moved = text
    .replaceAll(new RegExp(String.raw`(?<![\w.-])(${OWN}:)${from}${END}`, 'g'), `$1${to}`)
    .replaceAll(new RegExp(String.raw`(?<=^|[\s=]|(?<!\w)['"]):${from}${END}`, 'g'), `:${to}`)
    .replaceAll(new RegExp(String.raw`(?<![\w.-])(${OWN}["']?\s["']?)${from}${END}`, 'g'), `$1${to}`);
  const own = from === 80 ? moved.replaceAll(new RegExp(`(http://${OWN})(?![:\\w.])`, 'g'), `$1:${to}`) : moved;
  return flags ? own.replaceAll(new RegExp(String.raw`(?<=^|\s)(${PORT_FLAG})${from}${END}`, 'g'), `$1${to}`) : own;
}

const OUTSIDE = String.raw`(?:\$\{?(?:POD_IP|HOSTNAME)\}?|\$\(hostname[^()]{0,20}\)|${'`'}hostname[^${'`'}]{0,20}${'`'})`;

/** True where a command asks this port of the pod's own address, on which the agent does not listen any longer. */
export function asksOutside(words: readonly Json[], port: number): boolean {
  const asked = new RegExp(`${OUTSIDE}(?::|\\s)${port}${END}`);
  return words.some((word) => typeof word === 'string' && asked.test(word));
}

/** True where a command holds the number, whatever it means. */
export function namesNumber(words: readonly Json[], port: number): boolean {
  const named = new RegExp(String.raw`(?<![\d.])${port}${END}`);
  return words.some((word) => typeof word === 'string' && named.test(word));
}
