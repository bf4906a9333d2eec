import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makePlan } from '../../src/deploy/make-plan.ts';
import { MANIFEST_TARGETS, type ManifestTarget } from '../../src/deploy/target.ts';
import { LOAD_TARGET } from '../../src/deploy/targets.ts';
import { injectText } from '../../src/deploy/text/inject-text.ts';
import { ManifestTextError } from '../../src/deploy/text/line-note.ts';

const SERVER = { name: 'mcp-files', image: 'mcp-files:1', port: 3100, path: '/mcp' };
const PLAN = { ...makePlan(undefined, { version: '1.2.3', container: 'agent' }), mcpContainers: [SERVER] };

/** Another container beside the agent. */
interface Other {
  readonly name: string;
  readonly port: number;
}

const pod = ({ name, port }: Other) => [
  { name: 'agent', image: 'a:1', ports: [{ containerPort: 8080 }] },
  { name, image: 'b:1', ports: [{ containerPort: port }] },
];

const MANIFESTS: Readonly<Record<ManifestTarget, (other: Other) => object>> = {
  // There the others have networks of their own: only the agent's own ports can clash.
  compose: ({ name, port }) => ({
    services: { agent: { image: 'a:1', ports: ['8080:8080', `${port}:${port}`] }, [name]: { image: 'b:1' } },
  }),
  kubernetes: (other) => ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'agent' },
    spec: { containers: pod(other) },
  }),
  cloudrun: ({ name }) => ({
    apiVersion: 'serving.knative.dev/v1',
    kind: 'Service',
    metadata: { name: 'agent' },
    spec: {
      template: {
        spec: {
          containers: [
            { name: 'agent', image: 'a:1', ports: [{ containerPort: 8080 }] },
            { name, image: 'b:1' },
          ],
        },
      },
    },
  }),
  ecs: ({ name, port }) => ({
    family: 'agent',
    networkMode: 'awsvpc',
    containerDefinitions: [
      { name: 'agent', image: 'a:1', memory: 512, portMappings: [{ containerPort: 8080 }] },
      { name, image: 'b:1', memory: 512, portMappings: [{ containerPort: port }] },
    ],
  }),
  aca: ({ name }) => ({
    name: 'agent',
    type: 'Microsoft.App/containerApps',
    properties: {
      configuration: { ingress: { targetPort: 8080 } },
      template: {
        containers: [
          { name: 'agent', image: 'a:1' },
          { name, image: 'b:1' },
        ],
      },
    },
  }),
  nomad: ({ name, port }) => ({
    Job: {
      ID: 'agent',
      Datacenters: ['dc1'],
      TaskGroups: [
        {
          Name: 'agent',
          Networks: [
            {
              Mode: 'bridge',
              DynamicPorts: [
                { Label: 'http', To: 8080 },
                { Label: 'other', To: port },
              ],
            },
          ],
          Tasks: [
            { Name: 'agent', Driver: 'docker', Config: { image: 'a:1', ports: ['http', 'other'] } },
            { Name: name, Driver: 'docker', Config: { image: 'b:1' } },
          ],
        },
      ],
    },
  }),
};

/** Containers of Cloud Run other than the ingress declare no ports, and those of Container Apps never do. */
const WITH_PORTS: readonly ManifestTarget[] = ['compose', 'kubernetes', 'ecs', 'nomad'];

async function faultsOf(target: ManifestTarget, other: Other): Promise<string[]> {
  const loaded = await LOAD_TARGET[target]();
  try {
    injectText(JSON.stringify(MANIFESTS[target](other), null, 2), loaded, PLAN);
    return [];
  } catch (error) {
    if (!(error instanceof ManifestTextError)) throw error;
    return error.faults.map(({ message }) => message);
  }
}

for (const target of MANIFEST_TARGETS) {
  test(`${target}: an MCP server beside the agent has a name of its own`, async () => {
    assert.deepEqual(await faultsOf(target, { name: 'another', port: 9100 }), []);
    assert.match(
      (await faultsOf(target, { name: SERVER.name, port: 9100 })).join('\n'),
      /mcp-files is the name of an MCP/,
    );
  });
}

for (const target of WITH_PORTS) {
  test(`${target}: an MCP server beside the agent has a port of its own`, async () => {
    assert.match(
      (await faultsOf(target, { name: 'another', port: SERVER.port })).join('\n'),
      /port 3100 is that of the MCP server mcp-files/,
    );
  });
}
