import { getAt, setAt } from '../edit.ts';
import { isObject, type JsonObject, type Path } from '../json.ts';
import type { Note } from '../target.ts';
import { type App, listAt, textOf } from './app.ts';

const SECRETS: Path = ['properties', 'configuration', 'secrets'];

/** The name that a variable's secret has on the platform, which takes lower case, digits and `-`. */
export function secretName(variable: string): string {
  return variable
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-|-$/g, '');
}

/** The app with the secrets of these variables declared, as references into a vault; without a vault, what is to be done. */
export function withSecrets(
  app: App,
  variables: readonly string[],
  vault: string | undefined,
): { readonly root: JsonObject; readonly notes: readonly Note[] } {
  const { document, root } = app;
  const there = new Set(listAt(root, SECRETS).map((secret) => (isObject(secret) ? secret['name'] : undefined)));
  const names = variables.map(secretName).filter((name, index, all) => !there.has(name) && all.indexOf(name) === index);
  if (names.length === 0) return { root, notes: [] };
  if (vault === undefined || !vault.startsWith('https://')) {
    const message =
      `the app needs the secrets ${names.join(', ')}: set them with \`az containerapp secret set\`, ` +
      "or name a Key Vault's URL with --secret-store. A new app without a vault has to be created before that, without the sidecar";
    const listed = listAt(root, SECRETS);
    // An update replaces a list that the file has, and keeps the values of those that it names.
    const kept = listed.length === 0 ? root : setAt(root, SECRETS, [...listed, ...names.map((name) => ({ name }))]);
    // As below.
    return { root: kept as JsonObject, notes: [{ document, path: SECRETS, message }] };
  }
  const used = listAt(root, SECRETS).flatMap((secret) => (isObject(secret) ? [textOf(secret['identity'])] : []));
  const assigned = getAt(root, ['identity', 'userAssignedIdentities']);
  const owned = isObject(assigned) ? Object.keys(assigned)[0] : undefined;
  // Who reads the vault already, else the app's own identity.
  const identity = used.find((one) => one !== '') ?? owned ?? 'system';
  const added = names.map((name) => ({ name, keyVaultUrl: `${vault.replace(/\/+$/, '')}/secrets/${name}`, identity }));
  const identified = identity.toLowerCase() === 'system' ? setAt(root, ['identity', 'type'], withSystem(root)) : root;
  const message = `the app's identity must be one that may read ${vault} (role Key Vault Secrets User), with the secrets ${names.join(', ')} in it`;
  return {
    // Setting what stands below the root leaves the root an object.
    root: setAt(identified, SECRETS, [...listAt(root, SECRETS), ...added]) as JsonObject,
    notes: [{ document, path: SECRETS, message }],
  };
}

function withSystem(root: JsonObject): string {
  const type = textOf(getAt(root, ['identity', 'type']));
  if (/systemassigned/i.test(type)) return type;
  return /userassigned/i.test(type) ? `SystemAssigned,${type}` : 'SystemAssigned';
}

export function reference(variable: string): JsonObject {
  return { name: variable, secretRef: secretName(variable) };
}
