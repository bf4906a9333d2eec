/** Bodies for measuring the guard engine. */

/** A third each; none is in a clean body. */
const PII = ['john.doe@example.com', '4111 1111 1111 1111', '123-45-6789'];

function message(i: number, found: readonly string[]): string {
  return `Please summarise the report for order ${100_000 + i}:\nrisks, owners and dates “as agreed”. ${found.join(' and ')}`;
}

/** A chat request as agents get them, with the timestamps and ids that come near a match. `matches`, evenly spread. */
export function chat(size: number, matches: number): Buffer {
  const messages: Record<string, unknown>[] = [];
  for (let i = 0, left = matches, length = 0; length < size; i++) {
    const due = Math.min(left, Math.ceil((matches * 300) / size));
    const found = Array.from({ length: due }, (_, k) => PII[(i + k) % PII.length] ?? '');
    left -= due;
    messages.push({
      id: `3f0e8a5c-1b2d-4c3e-9f${10 + (i % 90)}-00112233445${i % 10}`,
      at: `2026-01-0${1 + (i % 9)}T03:04:05.123Z`,
      sent_ms: 1_767_225_600_000 + i,
      role: i % 2 ? 'assistant' : 'user',
      content: message(i, found),
    });
    length += JSON.stringify(messages.at(-1)).length + 1;
  }
  return Buffer.from(JSON.stringify({ model: 'gpt-x', messages }));
}

/** Lines of a log; with a match in each `every`th line, 0: in none. */
export function text(size: number, every: number): Buffer {
  let out = '';
  for (let i = 0; out.length < size; i++) {
    const found = every > 0 && i % every === 0 ? ` for ${PII[i % PII.length]}` : '';
    out += `2026-01-0${1 + (i % 9)}T03:04:05.123Z INFO [worker-${i % 8}] request ${100_000 + i} took ${i % 977} ms, cache miss${found}\n`;
  }
  return Buffer.from(out.slice(0, size));
}

/** Events of a model's reply, one token each. With `pii`, some tokens are pieces of a card number. */
export function tokenEvents(count: number, pii: boolean): Buffer[] {
  const clean =
    ' The quick brown fox jumps over the lazy dog , and then it rests for 15 minutes . In 2026 there were 3 of them \n'.split(
      /(?= )/,
    );
  const card = [' card', ' ', '411', '1 1', '111', ' 11', '11 ', '111', '1', ' is'];
  const words = pii ? [...clean, ...card] : clean;
  return Array.from({ length: count }, (_, i) =>
    Buffer.from(
      `data: {"id":"chatcmpl-9aZ","object":"chat.completion.chunk","created":1767225600,"model":"gpt-x","choices":[{"index":0,"delta":{"content":${JSON.stringify(words[i % words.length])}},"finish_reason":null}]}\n\n`,
    ),
  );
}
