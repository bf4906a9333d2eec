import { isObject, type Json } from '../../../deploy/json.ts';
import { withPrivateFile } from '../program.ts';
import { parsed, pruned, sortedYaml, textAt } from './live-data.ts';
import { compared, type Manifest, type Platform, previewFailed, type RunProgram } from './platform.ts';

export const aca: Platform = {
  program: 'az',
  byHand: (manifest, file) => [
    `az containerapp show --name ${nameOf(manifest)} --resource-group GROUP --output yaml`,
    `az containerapp create --name ${nameOf(manifest)} --resource-group GROUP --yaml ${file}   # or update, where it exists`,
  ],
  async preview(manifest, run) {
    return compared(await show(manifest, run), manifest, comparable, run);
  },
  apply: (manifest, run, { state }) =>
    withPrivateFile('containerapp.yaml', manifest.text, (path) => {
      const verb = state === 'new' ? 'create' : 'update';
      const args = ['containerapp', verb, '--name', nameOf(manifest), '--yaml', path];
      return run.shown({ args: [...args, '--output', 'none', ...manifest.words] });
    }),
};

/** The app as it is; undefined when there is none. A resource group that is missing is no new app: it is a mistake. */
async function show(manifest: Manifest, run: RunProgram): Promise<Json | undefined> {
  const args = ['containerapp', 'show', '--name', nameOf(manifest), '--output', 'json', ...manifest.words];
  const { code, stdout, stderr } = await run.kept({ args });
  if (code === 0) return parsed(stdout);
  const isAbsent = code === NOT_FOUND || /\(ResourceNotFound\)|does not exist/.test(stderr);
  if (isAbsent && !/ResourceGroupNotFound|resource group '[^']*' could not be found/i.test(stderr)) return undefined;
  const hint = namesGroup(manifest) ? '' : '\naz needs a resource group: -- --resource-group GROUP';
  throw previewFailed('az containerapp show', code, `${stderr.trimEnd()}${hint}`);
}

/** Exit code of az for what is not there. */
const NOT_FOUND = 3;

function namesGroup({ words }: Manifest): boolean {
  return words.some((word) => /^(-g|--resource-group)(=|$)/.test(word));
}

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
