import { isObject, type Json } from '../../../deploy/json.ts';
import { Failure } from '../failure.ts';
import { withPrivateFile } from '../program.ts';
import { hasFlag, wordsFor } from './az-words.ts';
import { parsed, pruned, sortedYaml, textAt } from './live-data.ts';
import { compared, type Manifest, type Platform, previewFailed, type RunProgram } from './platform.ts';

export const aca: Platform = {
  program: 'az',
  byHand: (manifest, file) => [
    `az containerapp show --name ${nameOf(manifest)} --resource-group GROUP --output yaml`,
    `az containerapp create --name ${nameOf(manifest)} --resource-group GROUP --environment ENVIRONMENT --yaml ${file}`,
    `az containerapp update --name ${nameOf(manifest)} --resource-group GROUP --yaml ${file}   # where it exists`,
  ],
  async preview(manifest, run) {
    const live = await show(manifest, run);
    // `create` has no default for it.
    if (live === undefined && !hasFlag(manifest.words, '--environment')) throw new Failure(NO_ENVIRONMENT);
    return compared(live, manifest, comparable, run);
  },
  apply: (manifest, run, { state }) =>
    withPrivateFile('containerapp.yaml', manifest.text, (path) => {
      const verb = state === 'new' ? 'create' : 'update';
      const args = ['containerapp', verb, '--name', nameOf(manifest), '--yaml', path];
      return run.shown({ args: [...args, '--output', 'none', ...wordsFor(verb, manifest.words)] });
    }),
};

/** The app as it is; undefined when there is none. A resource group that is missing is no new app: it is a mistake. */
async function show(manifest: Manifest, run: RunProgram): Promise<Json | undefined> {
  const args = [
    'containerapp',
    'show',
    '--name',
    nameOf(manifest),
    '--output',
    'json',
    ...wordsFor('show', manifest.words),
  ];
  const { code, stdout, stderr } = await run.kept({ args });
  if (code === 0) return parsed(stdout);
  const isAbsent = code === NOT_FOUND || /\(ResourceNotFound\)|does not exist/.test(stderr);
  if (isAbsent && !/ResourceGroupNotFound|resource group '[^']*' could not be found/i.test(stderr)) return undefined;
  const hint = hasFlag(manifest.words, '-g', '--resource-group') ? '' : `\n${GROUP_HINT}`;
  throw previewFailed('az containerapp show', code, `${stderr.trimEnd()}${hint}`);
}

/** Exit code of az for what is not there. */
const NOT_FOUND = 3;

const GROUP_HINT = 'az needs a resource group: -- --resource-group GROUP (and --environment ENVIRONMENT for a new app)';
const NO_ENVIRONMENT =
  'there is no such app yet, and az needs the environment of a new one, so nothing was applied: besides the other words, ' +
  '-- --environment ENVIRONMENT (its name; its resource id where it is in another resource group)';

/** What Azure adds, at the top and in `properties`. */
const ADDED = new Set(['id', 'systemData', 'resourceGroup']);
const ADDED_PROPERTIES = new Set([
  'customDomainVerificationId',
  'deploymentErrors',
  'eventStreamEndpoint',
  'latestReadyRevisionName',
  'latestRevisionFqdn',
  'latestRevisionName',
  'outboundIpAddresses',
  'provisioningState',
  'runningStatus',
]);

function comparable(app: Json): string {
  if (!isObject(app)) return sortedYaml(app);
  const { properties = null, ...rest } = app;
  const own = Object.fromEntries(Object.entries(rest).filter(([key]) => !ADDED.has(key)));
  if (!isObject(properties)) return sortedYaml(pruned(own));
  const ownProperties = Object.entries(properties).filter(([key]) => !ADDED_PROPERTIES.has(key));
  return sortedYaml(pruned({ ...own, properties: Object.fromEntries(ownProperties) }));
}

function nameOf({ documents }: Manifest): string {
  return textAt(documents[0], ['name']);
}
