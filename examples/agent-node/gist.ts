export interface Gist {
  output: string;
  model: string;
  usage: { input_tokens: number; output_tokens: number };
  cost_usd: number;
}

/** Prices in nano-dollars a word; a word stands for a token. */
const INPUT_PRICE = 150;
const OUTPUT_PRICE = 600;

/** The sentence that holds most of what its text speaks of most: words are worth as much as they are frequent. */
export function gist(input: string): Gist {
  const words = wordsOf(input);
  const count = new Map<string, number>();
  for (const word of words) if (word.length > 3) count.set(word, (count.get(word) ?? 0) + 1);

  let best = input.trim();
  let most = -1;
  for (const sentence of best.split(/(?<=[.!?])\s+/)) {
    const own = wordsOf(sentence);
    const worth = own.reduce((sum, word) => sum + (count.get(word) ?? 0), 0) / Math.max(own.length, 1);
    if (worth > most) {
      best = sentence;
      most = worth;
    }
  }

  const output = `In short: ${best}`;
  const usage = { input_tokens: words.length, output_tokens: wordsOf(output).length };
  const nanos = usage.input_tokens * INPUT_PRICE + usage.output_tokens * OUTPUT_PRICE;
  return { output, model: 'gist-1', usage, cost_usd: nanos / 1e9 };
}

function wordsOf(text: string): string[] {
  return text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];
}
