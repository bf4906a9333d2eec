/** Event streams in which a text comes in pieces, as models give it. */
import { language, type Made, text } from './bodies.ts';
import type { Draft } from './draft.ts';
import { COMPACT, type Json, toJson } from './json-text.ts';
import type { SlotOptions } from './slots.ts';

/** Pieces as a model's tokens: words with the space before them, and digits up to three at a time. */
function tokens(draft: Draft, whole: string): string[] {
  const { random } = draft;
  return (whole.match(/ ?\p{L}+|\d{1,3}|\s+|./gsu) ?? []).flatMap((token) => {
    if (token.length < 3 || random.chance(0.6)) return [token];
    const at = random.between(1, token.length - 1);
    // No character is cut in half.
    return /[\ud800-\udfff]/.test(token) ? [token] : [token.slice(0, at), token.slice(at)];
  });
}

export function stream(draft: Draft, options: SlotOptions): Made {
  const { random } = draft;
  const lines = random.chance(0.1);
  const pieces = tokens(draft, text(draft, { ...options, lines }, language(draft), 2));
  const events = random.weighted([
    [45, openAiEvents],
    [35, anthropicEvents],
    [20, a2aEvents],
  ])(draft, pieces);
  return {
    content_type: random.pick(['text/event-stream', 'text/event-stream; charset=utf-8']),
    body: events.join(''),
  };
}

function openAiEvents(draft: Draft, pieces: readonly string[]): string[] {
  const { random } = draft;
  const id = `chatcmpl-${random.base62(29)}`;
  const event = (delta: Json, finish: string | null = null): string =>
    `data: ${toJson({ id, object: 'chat.completion.chunk', created: 1_750_000_000, model: 'gpt-4.1', choices: [{ index: 0, delta, finish_reason: finish }] })}\n\n`;
  return [
    event({ role: 'assistant', content: '' }),
    ...pieces.map((content) => event({ content })),
    event({}, 'stop'),
    'data: [DONE]\n\n',
  ];
}

function anthropicEvents(draft: Draft, pieces: readonly string[]): string[] {
  const event = (type: string, rest: Record<string, Json>): string =>
    `event: ${type}\ndata: ${toJson({ type, ...rest }, COMPACT)}\n\n`;
  const isJson = draft.random.chance(0.3);
  const whole = isJson ? tokens(draft, toJson({ text: pieces.join('') })) : pieces;
  return [
    event('message_start', { message: { id: `msg_${draft.random.base62(22)}`, role: 'assistant', content: [] } }),
    event('content_block_start', {
      index: 0,
      content_block: isJson ? { type: 'tool_use', name: 'note', input: {} } : { type: 'text', text: '' },
    }),
    'event: ping\ndata: {"type":"ping"}\n\n',
    ...whole.map((piece) =>
      event('content_block_delta', {
        index: 0,
        delta: isJson ? { type: 'input_json_delta', partial_json: piece } : { type: 'text_delta', text: piece },
      }),
    ),
    event('content_block_stop', { index: 0 }),
    event('message_stop', {}),
  ];
}

function a2aEvents(draft: Draft, pieces: readonly string[]): string[] {
  const id = draft.random.hex(8);
  return pieces.map(
    (piece, place) =>
      `data: ${toJson({ jsonrpc: '2.0', id: 1, result: { kind: 'artifact-update', taskId: id, artifact: { artifactId: 'a1', parts: [{ kind: 'text', text: piece }] }, append: place > 0, lastChunk: place === pieces.length - 1 } })}\n\n`,
  );
}
