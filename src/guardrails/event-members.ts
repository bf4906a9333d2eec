/**
 * What the name of a member says about its value, in the events of the protocols that stream text: OpenAI (chat, responses),
 * Anthropic, Gemini, Cohere, Ollama, TGI, AG-UI, AI SDK, JSON-RPC, A2A, MCP.
 */
export type MemberClass =
  /** Nothing. */
  | 'other'
  /** Text; whether a piece or whole is not said. */
  | 'text'
  /** A piece of a text, never a whole one. */
  | 'piece'
  /** Of the protocol: a name, an identifier, a state, a time. Always whole. */
  | 'protocol'
  /** Protocol, and tells one kind of event from another. */
  | 'kind'
  /** Tells one of several texts that stream at the same time from the others. `index` counts only in an array, or beside a kind. */
  | 'index'
  | 'plain-index'
  /** Protocol; a value that is not null says that the texts around it are over. */
  | 'finish'
  /** True: all texts of the event are over. */
  | 'end'
  /** The same; that it is there at all says that texts come in pieces. */
  | 'done'
  /** True: the texts of the event are pieces. */
  | 'append';

export const CLASSES: readonly MemberClass[] = [
  'other',
  'text',
  'piece',
  'protocol',
  'kind',
  'index',
  'plain-index',
  'finish',
  'end',
  'done',
  'append',
];

const NAMES: Readonly<Partial<Record<MemberClass, string>>> = {
  text: 'text content message response output answer completion generated_text thinking reasoning reasoning_content data parts',
  piece: 'delta token chunk partial_json arguments textDelta argsTextDelta inputTextDelta',
  kind: 'type kind method event',
  protocol:
    'id object model role name jsonrpc created timestamp time date ts status state version language lang locale ' +
    'system_fingerprint service_tier signature obfuscation provider level logger code format mime currency',
  index: 'item_id itemId artifactId artifact_id',
  'plain-index': 'index',
  finish: 'finish_reason finishReason stop_reason stopReason',
  end: 'final lastChunk last_chunk is_final isFinal',
  done: 'done',
  append: 'append',
};

/** Numbers that count events, not texts. */
const COUNTER = /^(?:token|chunk|event|seq|sequence|delta|frame|line|word|char)/i;
const PIECE = /(?:^d|_d|D)elta$/;
const PROTOCOL = /(?:(?:^|_)(?:id|ids|at|type|timestamp)|[a-z0-9](?:Id|ID|Ids|At|Type|Timestamp))$/;
const INDEX = /(?:_index|[a-z0-9]Index)$/;

const BY_NAME: ReadonlyMap<string, MemberClass> = new Map(
  // The keys of the record are classes.
  Object.entries(NAMES).flatMap(([cls, names]) => names.split(' ').map((name) => [name, cls as MemberClass] as const)),
);

function classify(name: string): MemberClass {
  const cls = BY_NAME.get(name);
  if (cls !== undefined) return cls;
  if (PIECE.test(name)) return 'piece';
  if (INDEX.test(name)) return COUNTER.test(name) ? 'protocol' : 'index';
  return PROTOCOL.test(name) ? 'protocol' : 'other';
}

/** Known names; bounded, since whoever writes the events chooses them. */
const known = new Map<string, MemberClass>();

/** `name`: without escapes. */
export function memberClass(name: string): MemberClass {
  const found = known.get(name);
  if (found !== undefined) return found;
  const cls = name.length > 64 ? 'other' : classify(name);
  if (known.size >= 1024) known.clear();
  known.set(name, cls);
  return cls;
}

const END_KIND = /(?:[._-](?:stop|done|end|completed|finished|finish)|[a-z](?:Stop|Done|End))$|_END$/;

/** Whether an event of this kind (`content_block_stop`, `response.output_text.done`, `text-end`) says that a text is over. */
export function isEndKind(kind: string): boolean {
  return END_KIND.test(kind);
}

/** Letters, no white space, more than one: text in pieces hardly repeats that. */
const CONSTANT = /^(?=.*[A-Za-z])[\w./:@+-]{2,128}$/;

/** Whether a value that is the same in all events so far may be taken for one that never changes. */
export function mayBeConstant(value: string): boolean {
  return CONSTANT.test(value);
}
