/** Where a listener listens. The host is empty for every interface; IPv6 hosts stand without brackets. */
export interface Address {
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
}

/** `HOST:PORT`, `[IPv6]:PORT` or `:PORT`; undefined when it is none of them. */
export function parseAddress(text: string): Address | undefined {
  const colon = text.lastIndexOf(':');
  const port = /^\d{1,5}$/.test(text.slice(colon + 1)) ? Number(text.slice(colon + 1)) : Number.NaN;
  if (colon < 0 || !(port <= 65_535)) return undefined;
  if (colon === 0) return { host: '', port };
  // The URL parser brings every spelling of one IP address into one form, such as 127.1 and [0:0::1].
  const url = URL.parse(`http://${text.slice(0, colon)}/`);
  return url === null || url.hostname === '' ? undefined : { host: url.hostname.replace(/^\[|\]$/g, ''), port };
}

/** `HOST:PORT` for whoever calls a listener from the same machine: loopback where it listens on every interface. */
export function addressToCall({ host, port }: Address): string {
  if (isAny(host)) return `127.0.0.1:${port}`;
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Whether only this machine can reach the host: 127.0.0.0/8, ::1, and the name localhost (RFC 6761, section 6.3). */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host.endsWith('.localhost') || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);
}

/** Whether a connection to `target` may arrive at `listener`, as far as can be told without asking a name server. */
export function reaches(target: Address, listener: Address): boolean {
  if (target.port !== listener.port) return false;
  if (listener.host === target.host) return true;
  if (isAny(listener.host)) return isAny(target.host) || isLoopback(target.host);
  if (isAny(target.host)) return isLoopback(listener.host);
  // Both names: `localhost` stands for either loopback address.
  return [target.host, listener.host].includes('localhost') && isLoopback(target.host) && isLoopback(listener.host);
}

/** Whether both cannot be listened on at once. */
export function collide(one: Address, other: Address): boolean {
  if (one.port === 0 || one.port !== other.port) return false;
  return isAny(one.host) || isAny(other.host) || reaches(one, other);
}

function isAny(host: string): boolean {
  return host === '' || host === '0.0.0.0' || host === '::';
}
