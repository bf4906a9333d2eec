import { Failure } from '../failure.ts';
import { type Platform, previewFailed } from './platform.ts';

/** Compose keeps no copy of what it was given before: what it would do is all there is to show. */
export const compose: Platform = {
  program: 'docker',
  byHand: (_, file) => [`docker compose -f ${file} --dry-run up --detach`, `docker compose -f ${file} up --detach`],
  async preview({ text, words }, run) {
    const { code } = await run.kept({ args: ['compose', 'version'] });
    if (code !== 0) {
      throw new Failure('docker is here but has no compose plugin: see https://docs.docker.com/compose/install/', code);
    }
    const tried = await run.shown({
      args: ['compose', '-f', '-', '--dry-run', 'up', '--detach', ...words],
      input: text,
    });
    if (tried !== 0) throw previewFailed('docker compose --dry-run up', tried);
    return { state: 'differs' };
  },
  apply: ({ text, words }, run) => run.shown({ args: ['compose', '-f', '-', 'up', '--detach', ...words], input: text }),
};
