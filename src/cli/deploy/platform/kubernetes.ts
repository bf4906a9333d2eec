import { type Platform, previewFailed } from './platform.ts';

/** Exit codes of `kubectl diff`: 0 no differences, 1 some, more when it failed. */
export const kubernetes: Platform = {
  program: 'kubectl',
  byHand: (_, file) => [`kubectl diff -f ${file}`, `kubectl apply -f ${file}`],
  async preview({ text, words }, run) {
    const code = await run.shown({ args: ['diff', '-f', '-', ...words], input: text });
    if (code > 1) throw previewFailed('kubectl diff', code);
    return { state: code === 0 ? 'same' : 'differs' };
  },
  apply: ({ text, words }, run) => run.shown({ args: ['apply', '-f', '-', ...words], input: text }),
};
