// An agent, written once: where it runs is said elsewhere. It keeps the sentences that hold the most frequent words.
import type { AgentDefinition } from 'outrider/agent';

const KEPT = 2;

function summarize(text: string): string[] {
  const sentences = text.match(/[^.!?]+[.!?]*\s*/g) ?? [];
  const counts = new Map<string, number>();
  for (const word of wordsOf(text)) counts.set(word, (counts.get(word) ?? 0) + 1);
  const scored = sentences.map((sentence, place) => {
    const words = wordsOf(sentence);
    const weight = words.reduce((sum, word) => sum + (counts.get(word) ?? 0), 0) / Math.max(1, words.length);
    return { sentence: sentence.trim(), place, weight };
  });
  const best = scored.toSorted((a, b) => b.weight - a.weight).slice(0, KEPT);
  return best.toSorted((a, b) => a.place - b.place).map(({ sentence }) => sentence);
}

function wordsOf(text: string): string[] {
  return text.toLowerCase().match(/\p{L}{4,}/gu) ?? [];
}

export const agents: AgentDefinition[] = [
  {
    id: 'summarizer',
    name: 'Summarizer',
    model: 'none: word frequencies',
    description: 'Says a text in two of its own sentences.',
    execute({ input }) {
      return { output: summarize(input).join(' '), token_count: wordsOf(input).length };
    },
    async *stream({ input }, { signal }) {
      for (const [place, sentence] of summarize(input).entries()) {
        signal.throwIfAborted();
        yield place === 0 ? sentence : ` ${sentence}`;
      }
    },
  },
];
