import { isObject } from '../../../deploy/json.ts';
import type { Plan } from '../../../deploy/plan.ts';
import type { AgentSource } from '../agent-source.ts';
import type { DeployDeps } from '../deps.ts';
import { Failure } from '../failure.ts';
import { findProgram, type ProgramEnd, runProgram } from '../program.ts';
import { type Rendered, type RenderFlags, renderManifest } from '../render.ts';
import { madeUpToken } from './environments.ts';
import { welcome } from './welcome.ts';

/** Why containers cannot be run here; undefined when they can. */
export async function whyNoCompose(deps: DeployDeps): Promise<string | undefined> {
  const docker = findProgram('docker', deps.env);
  if (docker === undefined) return 'docker is not installed';
  const ask = (...args: string[]): Promise<ProgramEnd> => runProgram(docker, { args }, { ...deps, output: 'kept' });
  if ((await ask('compose', 'version')).code !== 0) return 'docker has no compose plugin';
  return (await ask('info', '--format', '{{.ServerVersion}}')).code === 0 ? undefined : 'no docker engine answers';
}

/** Runs the agent's container and the sidecar's by `docker compose`, until Ctrl-C or the agent's end. Gives the agent's code. */
export async function composeHere(
  agent: AgentSource,
  flags: RenderFlags,
  plan: Plan | undefined,
  deps: DeployDeps,
): Promise<number> {
  const docker = findProgram('docker', deps.env);
  if (docker === undefined) throw new Failure('docker is not installed');
  const manifest = await renderManifest(agent, { target: 'compose', name: '<compose>', flags }, deps);
  const token = plan === undefined ? undefined : madeUpToken(deps.env);
  const compose = async (...args: string[]): Promise<number> => {
    const input = manifest.text;
    const env = { COMPOSE_MENU: 'false', ...(token !== undefined && { AGENT_AUTH_TOKEN: token }) };
    return (
      await runProgram(docker, { args: ['compose', '-f', '-', ...args], input, env }, { ...deps, output: 'shown' })
    ).code;
  };
  const url = `http://127.0.0.1:${flags.publicPort}`;
  if (plan !== undefined) deps.stdout.write(welcome({ inbound: url, token }));
  const code = await compose('up', '--exit-code-from', serviceOf(manifest, flags));
  await compose('down');
  return code;
}

/** The agent's: the one whose image is the agent's. */
function serviceOf({ documents }: Rendered, { agentImage }: RenderFlags): string {
  const [file] = documents;
  const services = isObject(file) && isObject(file['services']) ? Object.entries(file['services']) : [];
  const [name] = services.find(([, service]) => isObject(service) && service['image'] === agentImage) ?? [];
  if (name === undefined) throw new Failure('the compose file that was made has no service of the agent');
  return name;
}
