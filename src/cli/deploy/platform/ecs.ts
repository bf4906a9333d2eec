import { READ_ONLY } from '../../../deploy/ecs/task-definition.ts';
import { without } from '../../../deploy/edit.ts';
import { isObject, type Json } from '../../../deploy/json.ts';
import { Failure } from '../failure.ts';
import { withPrivateFile } from '../program.ts';
import { parsed, pruned, sortedYaml, textAt } from './live-data.ts';
import { compared, type Manifest, type Platform, previewFailed, type RunProgram, withFlag } from './platform.ts';

/** Version 2 would show what it prints in a pager. */
const ENV = { AWS_PAGER: '' };

export const ecs: Platform = {
  program: 'aws',
  byHand: (manifest, file) => [
    `aws ecs describe-task-definition --task-definition ${familyOf(manifest)} --include TAGS${where(manifest)}`,
    `aws ecs register-task-definition --cli-input-json file://${file}${where(manifest)}`,
  ],
  async preview(manifest, run) {
    return compared(await describe(manifest, run), manifest, comparable, run);
  },
  apply: (manifest, run) =>
    withPrivateFile('taskdef.json', manifest.text, (path) => {
      const args = ['ecs', 'register-task-definition', '--cli-input-json', `file://${path}`];
      const answer = ['--query', 'taskDefinition.taskDefinitionArn', '--output', 'text'];
      return run.shown({ args: [...args, ...answer, ...wordsOf(manifest)], env: ENV });
    }),
  next: (manifest) =>
    `the new revision runs once a service is told to: aws ecs update-service --cluster CLUSTER --service SERVICE --task-definition ${familyOf(manifest)}`,
};

/** The latest active revision; undefined when there is none. */
async function describe(manifest: Manifest, run: RunProgram): Promise<Json | undefined> {
  const args = ['ecs', 'describe-task-definition', '--task-definition', familyOf(manifest)];
  const rest = ['--include', 'TAGS', '--output', 'json', ...wordsOf(manifest)];
  const { code, stdout, stderr } = await run.kept({ args: [...args, ...rest], env: ENV });
  if (code !== 0) {
    if (stderr.includes('Unable to describe task definition')) return undefined;
    throw previewFailed('aws ecs describe-task-definition', code, stderr);
  }
  const answer = parsed(stdout);
  if (!isObject(answer) || !isObject(answer['taskDefinition'])) {
    throw new Failure('aws ecs describe-task-definition gave no task definition, so nothing was applied');
  }
  return { ...answer['taskDefinition'], tags: answer['tags'] ?? [] };
}

/** In one form: what AWS adds is left out, as are empty lists, and variables stand in order, which AWS does not keep. */
function comparable(definition: Json): string {
  const own = isObject(definition) ? without(definition, ...READ_ONLY) : definition;
  return sortedYaml(pruned(own, (key, value) => (SETS.has(key) ? byName(value) : value)));
}

/** Lists whose order says nothing. */
const SETS: ReadonlySet<string> = new Set(['environment', 'secrets', 'tags']);

function byName(value: Json): Json {
  if (!Array.isArray(value)) return value;
  return value.toSorted((one: Json, other: Json) => (keyOf(one) < keyOf(other) ? -1 : 1));
}

function keyOf(entry: Json): string {
  return isObject(entry) ? JSON.stringify(entry['name'] ?? entry['key'] ?? '') : '';
}

function familyOf({ documents }: Manifest): string {
  return textAt(documents[0], ['family']);
}

function where({ region }: Manifest): string {
  return region === undefined ? '' : ` --region ${region}`;
}

function wordsOf({ words, region }: Manifest): readonly string[] {
  return withFlag(words, '--region', region);
}
