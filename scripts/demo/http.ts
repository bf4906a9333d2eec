import { type IncomingHttpHeaders, type IncomingMessage, request } from 'node:http';

/** A request as a person would type it for curl; what is printed and what is sent come from the same object. */
export interface Ask {
  url: string;
  /** `Authorization: Bearer …` */
  token?: string | undefined;
  /** Sent by POST, as curl's `--json` does. */
  json?: unknown;
  headers?: Readonly<Record<string, string>>;
  /** Printed with curl's `-N`, which shows a stream as it comes. */
  stream?: true;
}

export interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  text: string;
  /** Undefined when the text is no JSON. */
  json: unknown;
}

/** A server-sent event, and when it came: milliseconds since the request was sent. */
export interface Arrival {
  at: number;
  event: string;
  data: unknown;
}

const TIMEOUT_MS = 15_000;

/** Sends a request and reads the whole reply. Rejects after 15 s. */
export async function send(ask: Ask): Promise<Answer> {
  const response = await open(ask);
  let text = '';
  for await (const chunk of response.setEncoding('utf8')) text += chunk;
  return { status: response.statusCode ?? 0, headers: response.headers, text, json: parsed(text) };
}

/** Sends a request and gives the events of its reply as they come. Rejects when it is no event stream, and after 15 s. */
export async function* listen(ask: Ask): AsyncGenerator<Arrival> {
  const begun = performance.now();
  const response = await open(ask);
  const type = response.headers['content-type'] ?? 'nothing';
  if (response.statusCode !== 200 || !type.startsWith('text/event-stream')) {
    response.destroy();
    throw new Error(`expected an event stream, got ${response.statusCode} ${type}`);
  }
  let rest = '';
  for await (const chunk of response.setEncoding('utf8')) {
    rest += chunk;
    const blocks = rest.split('\n\n');
    rest = blocks.pop() ?? '';
    for (const block of blocks) yield { at: performance.now() - begun, ...eventOf(block) };
  }
}

function eventOf(block: string): { event: string; data: unknown } {
  const fields = block.split('\n').map((line) => /^(\w+): ?(.*)$/.exec(line));
  const value = (name: string): string | undefined => fields.find((field) => field?.[1] === name)?.[2];
  return { event: value('event') ?? 'message', data: parsed(value('data') ?? '') };
}

function open({ url, token, json, headers }: Ask): Promise<IncomingMessage> {
  const body = json === undefined ? undefined : JSON.stringify(json);
  return new Promise((resolve, reject) => {
    const outgoing = request(url, {
      // A connection of its own: none that a process has closed meanwhile.
      agent: false,
      method: body === undefined ? 'GET' : 'POST',
      headers: {
        ...(body !== undefined && { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) }),
        ...(token !== undefined && { Authorization: `Bearer ${token}` }),
        ...headers,
      },
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    outgoing.on('error', reject).on('response', resolve).end(body);
  });
}

/** The command line for a request, in pieces between which it may be broken. `names` are shell variables by their values. */
export function curl({ url, token, json, headers = {}, stream }: Ask, names: ReadonlyMap<string, string>): string[] {
  const { origin } = new URL(url);
  const name = names.get(origin);
  const target = name === undefined ? url : `$${name}${url.slice(origin.length)}`;
  const shell = /[&?;]/.test(target) ? `"${target}"` : target;
  return [
    `curl ${stream === undefined ? '' : '-N '}${shell}`,
    ...(token === undefined ? [] : [`-H "${names.has(token) ? `$${names.get(token)}` : 'Authorization: Bearer ???'}"`]),
    ...Object.entries(headers).map(([name, value]) => `-H '${name}: ${value}'`),
    ...(json === undefined ? [] : [`--json '${JSON.stringify(json)}'`]),
  ];
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** What lies at a path in something that was parsed; undefined when there is nothing. */
export function at(value: unknown, ...path: (string | number)[]): unknown {
  let here = value;
  for (const step of path) {
    if (typeof here !== 'object' || here === null) return undefined;
    here = Object.getOwnPropertyDescriptor(here, step)?.value;
  }
  return here;
}

/** The list at a path; empty when there is none. */
export function listAt(value: unknown, ...path: (string | number)[]): unknown[] {
  const list = at(value, ...path);
  return Array.isArray(list) ? list : [];
}
