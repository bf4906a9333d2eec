import type { JsonObject } from '../json.ts';
import { ManifestError } from '../target.ts';

const PATH = /^[\w~/-]{1,128}$/;

/** Where a task may read without a policy of its own, and no other task of the group may. Throws `ManifestError`. */
export function variablePath(job: string, group: string, task: string): string {
  const path = `nomad/jobs/${job}/${group}/${task}`;
  if (!PATH.test(path))
    fail(`${path} cannot be the path of a Nomad variable (letters, digits, - _ ~ /): choose one with --secret-store`);
  return path;
}

/** A path that was chosen by whoever deploys. Throws `ManifestError` where Nomad has no such path. */
export function checkPath(path: string): string {
  if (!PATH.test(path))
    fail(`--secret-store takes for nomad the path of a variable, such as nomad/jobs/NAME: ${path} is none`);
  return path;
}

/** Secrets of a Nomad variable, as environment of a task; a task without them does not start. */
export function secretTemplate(path: string, names: readonly string[], file: string): JsonObject {
  const lines = names.map((name) => `${name}={{ .${name}.Value | toJSON }}\n`).join('');
  return {
    EmbeddedTmpl: `{{ with nomadVar "${path}" -}}\n${lines}{{ end }}`,
    DestPath: `\${NOMAD_SECRETS_DIR}/${file}`,
    Envvars: true,
    ChangeMode: 'restart',
    ErrMissingKey: true,
  };
}

function fail(message: string): never {
  throw new ManifestError([{ document: 0, path: [], message }]);
}
