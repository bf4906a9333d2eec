import type { Json } from '../../../deploy/json.ts';
import { withPrivateFile } from '../program.ts';
import { parsed, sortedYaml, textAt } from './live-data.ts';
import { compared, type Manifest, type Platform, previewFailed, type RunProgram, withFlag } from './platform.ts';

/** We have asked already: gcloud is not to ask again. */
const QUIET = '--quiet';

export const cloudrun: Platform = {
  program: 'gcloud',
  byHand: (manifest, file) => {
    const where = manifest.region === undefined ? '' : ` --region ${manifest.region}`;
    return [
      `gcloud run services describe ${nameOf(manifest)}${where} --format=export`,
      `gcloud run services replace ${file}${where}`,
    ];
  },
  async preview(manifest, run) {
    return compared(await describe(manifest, run), manifest, sortedYaml, run);
  },
  apply: (manifest, run) =>
    withPrivateFile('service.yaml', manifest.text, (path) =>
      run.shown({ args: ['run', 'services', 'replace', path, QUIET, ...wordsOf(manifest)] }),
    ),
};

/** The service as it is; undefined when there is none. */
async function describe(manifest: Manifest, run: RunProgram): Promise<Json | undefined> {
  const args = ['run', 'services', 'describe', nameOf(manifest), '--format=export', QUIET, ...wordsOf(manifest)];
  const { code, stdout, stderr } = await run.kept({ args });
  if (code === 0) return parsed(stdout);
  if (stderr.includes('Cannot find service')) return undefined;
  throw previewFailed('gcloud run services describe', code, stderr);
}

function nameOf({ documents }: Manifest): string {
  return textAt(documents[0], ['metadata', 'name']);
}

function wordsOf({ words, region }: Manifest): readonly string[] {
  return withFlag(words, '--region', region);
}
