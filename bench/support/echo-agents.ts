// The agents of the measured host: they give back what they are given.
export const agents = [
  {
    id: 'echo',
    execute: ({ input }: { input: string }) => ({ output: input, token_count: 1 }),
  },
  {
    id: 'chunks',
    async *stream(_request: unknown, { signal }: { signal: AbortSignal }) {
      for (let i = 0; i < 100 && !signal.aborted; i++) {
        await new Promise((resolve) => {
          setTimeout(resolve, 20);
        });
        yield `chunk ${i} of a text that a model makes, a few words at a time; `;
      }
    },
  },
  {
    id: 'waits',
    execute: (_request: unknown, { signal }: { signal: AbortSignal }) =>
      new Promise<string>((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason), { once: true });
      }),
  },
];
