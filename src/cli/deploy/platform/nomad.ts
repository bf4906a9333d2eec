import { type Platform, previewFailed } from './platform.ts';

/**
 * Exit codes of `nomad job plan`: 0 no allocation would be created or destroyed, 1 some would, 255 it failed. A job can change
 * with 0 as well (in place), so 0 is not "the same".
 */
export const nomad: Platform = {
  program: 'nomad',
  byHand: (_, file) => [`nomad job plan -json ${file}`, `nomad job run -json ${file}`],
  async preview({ text, words }, run) {
    const { code, stdout, stderr } = await run.kept({ args: ['job', 'plan', '-json', ...words, '-'], input: text });
    if (code > 1) throw previewFailed('nomad job plan', code, stderr);
    run.show(stdout);
    const index = /^Job Modify Index: (\d+)/m.exec(stdout)?.[1];
    return { state: 'differs', ...(index !== undefined && { index }) };
  },
  apply: ({ text, words }, run, { index }) => {
    // A job that somebody changed after it was shown is left alone.
    const check = index === undefined ? [] : ['-check-index', index];
    return run.shown({ args: ['job', 'run', '-json', ...check, ...words, '-'], input: text });
  },
};
