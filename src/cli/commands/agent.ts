import { Command } from 'commander';
import { makePlan } from '../../deploy/make-plan.ts';
import { readAgent } from '../deploy/agent-source.ts';
import { type DeployDeps, ofThisProcess } from '../deploy/deps.ts';
import { reported } from '../deploy/failure.ts';

const DEFAULT_FILE = 'agent.yaml';

/** `outrider agent check|explain|schema`. */
export function agentCommand(deps: DeployDeps = ofThisProcess()): Command {
  const command = new Command('agent').description('check and explain the file of an agent');

  const withFile = (name: string, description: string, act: (file: string) => Promise<void>): void => {
    command
      .command(name)
      .description(description)
      .argument('[file]', "the agent's file; - for standard input", DEFAULT_FILE)
      .action((file: string) => reported(deps, 1, () => act(file)));
  };

  withFile('check', 'print every fault of the file; exit 1 when there is one', async (path) => {
    const { file } = await readAgent(path, deps);
    deps.stdout.write(`ok: ${file}\n`);
  });
  withFile('explain', 'say whether the agent gets a sidecar, why, and what it will carry', async (path) => {
    const { file, spec } = await readAgent(path, deps);
    const { explainAgent } = await import('./agent-explain.ts');
    deps.stdout.write(explainAgent(file, spec, makePlan(spec, { version: deps.version })));
  });
  command
    .command('schema')
    .description('print the JSON Schema of the file')
    .action(async () => {
      const { agentFileJsonSchema } = await import('../../config/agent-file-schema.ts');
      deps.stdout.write(`${JSON.stringify(agentFileJsonSchema(), null, 2)}\n`);
    });
  return command;
}
