import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { ecs } from '../../src/deploy/ecs.ts';
import { makePlan } from '../../src/deploy/make-plan.ts';
import { assertExamples } from './example.ts';
import { goldenTests } from './golden.ts';
import { onlyManifestErrors } from './odd-input.ts';
import { ecsFaults } from './schemas/ecs.ts';

goldenTests(ecs, ecsFaults);

/** A task definition that is right, with one member of its container changed. */
function taskWith(container: object, task: object = {}): unknown {
  const sidecar = { name: 'b', image: 'b:1', memory: 128, healthCheck: { command: ['CMD', 'true'] } };
  return {
    family: 'f',
    networkMode: 'awsvpc',
    requiresCompatibilities: ['FARGATE'],
    cpu: '512',
    memory: '1024',
    containerDefinitions: [{ name: 'a', image: 'a:1', memory: 256, ...container }, sidecar],
    ...task,
  };
}

test('the validator of ecs takes what is right, and finds what is not', () => {
  const cases: readonly (readonly [unknown, RegExp | undefined])[] = [
    [taskWith({}), undefined],
    [taskWith({ dependsOn: [{ containerName: 'b', condition: 'HEALTHY' }] }), undefined],
    [taskWith({}, { cpu: '.5 vCPU', memory: '1 GB' }), undefined],
    [taskWith({}, { volumes: [{ name: 'v', efsVolumeConfiguration: { fileSystemId: 'fs-1' } }] }), undefined],
    [taskWith({ portMapping: [] }), /portMapping: is no field/],
    [taskWith({ PortMappings: [] }), /PortMappings: is no field/],
    [taskWith({ portMappings: [{ containerPort: '80' }] }), /containerPort: must be an integer/],
    [taskWith({ environment: { A: 'b' } }), /environment: must be a list/],
    [taskWith({ environment: [{ name: 'A', value: 1 }] }), /value: must be a string/],
    [taskWith({ image: undefined, name: 'a' }), /image: must be a string/],
    [taskWith({ dependsOn: [{ containerName: 'b', condition: 'healthy' }] }), /condition: must be one of/],
    [taskWith({ portMappings: [{ containerPort: 80, appProtocol: 'h2' }] }), /appProtocol: must be one of/],
    [taskWith({ logConfiguration: { options: {} } }), /logDriver: is required/],
    [taskWith({}, { cpu: 512 }), /cpu: must be a string/],
    [taskWith({}, { status: 'ACTIVE' }), /status: is no field/],
    [taskWith({}, { memory: '8192' }), /Fargate has no task/],
    [taskWith({ memory: 1000 }), /reserve more memory than the task/],
    [taskWith({ dependsOn: [{ containerName: 'c', condition: 'START' }] }), /depends on c/],
    [taskWith({ mountPoints: [{ sourceVolume: 'v' }] }), /there is no volume v/],
    [taskWith({ portMappings: [{ containerPort: 80, hostPort: 8080 }] }), /in awsvpc/],
    [taskWith({ stopTimeout: 121 }), /120 s/],
    [taskWith({ name: 'b' }), /one name/],
  ];
  for (const [task, fault] of cases) {
    const faults = ecsFaults([task]);
    if (fault === undefined) assert.deepEqual(faults, []);
    else assert.match(faults.join('\n'), fault);
  }
});

test('the example of the documentation is the golden file', () => {
  assertExamples('ecs');
});

test('ecs: odd task definitions are injected into, or are faults', () => {
  const name = fc.constantFrom('agent', 'outrider', 'PORT', 'http', '', 'AGENT_AUTH_TOKEN', '/x/PORT');
  const odd = fc.oneof(
    fc.jsonValue({ maxDepth: 1 }),
    fc.constantFrom<unknown>('8000', 8000, 8081, 9090, '1-9999', null, []),
  );
  const members = (value: fc.Arbitrary<unknown>, ...keys: string[]) =>
    fc.record(Object.fromEntries(keys.map((key) => [key, value])), { requiredKeys: [] });
  const pairs = (...keys: string[]) =>
    fc.oneof(odd, fc.array(fc.oneof(members(fc.oneof(name, odd), ...keys), odd), { maxLength: 3 }));
  const container = fc.record(
    {
      name,
      image: fc.oneof(fc.constant('a:1'), odd),
      environment: pairs('name', 'value'),
      secrets: pairs('name', 'valueFrom'),
      portMappings: pairs('containerPort', 'containerPortRange', 'protocol', 'name'),
      healthCheck: fc.oneof(odd, members(odd, 'command')),
      dependsOn: odd,
      cpu: odd,
      memory: odd,
      stopTimeout: odd,
      command: fc.oneof(odd, fc.array(fc.oneof(name, odd))),
      essential: odd,
    },
    { requiredKeys: ['name'] },
  );
  const task = fc.record(
    {
      family: odd,
      networkMode: fc.constant('awsvpc'),
      requiresCompatibilities: fc.oneof(odd, fc.constant(['FARGATE'])),
      cpu: fc.oneof(odd, fc.constant('256')),
      memory: fc.oneof(odd, fc.constant('512')),
      proxyConfiguration: odd,
      containerDefinitions: fc.array(fc.oneof({ weight: 5, arbitrary: container }, odd), { maxLength: 2 }),
      volumes: odd,
    },
    { requiredKeys: ['networkMode', 'containerDefinitions'] },
  );
  onlyManifestErrors(ecs, task, makePlan(undefined, { version: '1.2.3', container: 'agent' }));
});

const BOTOCORE = `
import json, sys, botocore.session, botocore.validate
shape = botocore.session.get_session().get_service_model('ecs').operation_model('RegisterTaskDefinition').input_shape
for name, task in json.load(sys.stdin).items():
    report = botocore.validate.ParamValidator().validate(task, shape)
    if report.has_errors(): print(name, report.generate_report())
`;
const botocore = spawnSync('python3', ['-c', 'import botocore'], { timeout: 20_000 }).status === 0;

test("ecs: what botocore's model of the API says", { skip: botocore ? false : 'python3 has no botocore here' }, () => {
  const folder = join(import.meta.dirname, 'golden/ecs');
  const outputs = readdirSync(folder).flatMap((file) => {
    const [, output] = /^-- output --\n(\{.*?^\}$)/ms.exec(readFileSync(join(folder, file), 'utf8')) ?? [];
    return output === undefined ? [] : [[file, JSON.parse(output)] as const];
  });
  assert.ok(outputs.length >= 8);
  const wrong = ['wrong', taskWith({ portMapping: [] })] as const;
  const { stdout, stderr } = spawnSync('python3', ['-c', BOTOCORE], {
    input: JSON.stringify(Object.fromEntries([...outputs, wrong])),
    encoding: 'utf8',
    timeout: 30_000,
  });
  assert.match(stdout, /^wrong Unknown parameter in containerDefinitions\[0\]: "portMapping"[^\n]*\n$/, stderr);
});
