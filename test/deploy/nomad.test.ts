import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { makePlan } from '../../src/deploy/make-plan.ts';
import { nomad } from '../../src/deploy/nomad.ts';
import { assertExamples } from './example.ts';
import { goldenTests } from './golden.ts';
import { onlyManifestErrors } from './odd-input.ts';
import { nomadFaults } from './schemas/nomad.ts';

goldenTests(nomad, nomadFaults);

/** A job that is right, with members of its task and group changed. */
function jobWith(task: object, group: object = {}, job: object = {}): unknown {
  const Networks = [{ Mode: 'bridge', DynamicPorts: [{ Label: 'http', To: 8080 }] }];
  const Tasks = [{ Name: 'a', Driver: 'docker', Config: { image: 'a:1' }, ...task }];
  return { Job: { ID: 'j', Type: 'service', TaskGroups: [{ Name: 'g', Networks, Tasks, ...group }], ...job } };
}

test('the validator of nomad takes what is right, and finds what is not', () => {
  const check = { Type: 'tcp', Interval: 1e10, Timeout: 2e9 };
  const cases: readonly (readonly [unknown, RegExp | undefined])[] = [
    [jobWith({}), undefined],
    [jobWith({ Lifecycle: null, Env: null, Templates: null }), undefined],
    [jobWith({ Driver: 'exec', Config: { command: 'x', whatever: 1 } }), undefined],
    [jobWith({}, { Services: [{ Name: 's', PortLabel: 'http', Checks: [check] }] }), undefined],
    [jobWith({ KillTimeOut: 1 }), /KillTimeOut: is no field of Task/],
    [jobWith({ KillTimeout: '30s' }), /KillTimeout: must be an integer/],
    [jobWith({ Env: { A: 1 } }), /A: must be a string/],
    [jobWith({ Lifecycle: { Hook: 'prestart', sidecar: true } }), /sidecar: is no field of TaskLifecycle/],
    [jobWith({ Lifecycle: { Hook: 'before' } }), /must be one of prestart/],
    [jobWith({ Config: { image: 'a:1', read_only: true } }), /read_only: is no field of TaskConfig/],
    [jobWith({ Config: { image: 'a:1', cap_drop: 'all' } }), /cap_drop: must be a list/],
    [jobWith({ Config: { image: 'a:1', mount: [{ kind: 'bind' }] } }), /kind: is no field of Mount/],
    [jobWith({ Config: { image: 'a:1', logging: [{ type: 'journald', config: [{ tag: 'x' }] }] } }), undefined],
    [jobWith({ Config: { image: 'a:1', auth: [{ user: 'x' }] } }), /user: is no field of Auth/],
    [jobWith({ Config: { image: ['a:1'] } }), /image: must be a string/],
    [jobWith({ Config: {} }), /has no image/],
    [jobWith({ Templates: [{ Envvar: true }] }), /Envvar: is no field of Template/],
    [jobWith({}, { Services: [{ Name: 's', PortLabel: 'web' }] }), /no port web/],
    [jobWith({}, { Services: [{ Name: 's', Checks: [{ ...check, Type: 'http' }] }] }), /needs a path/],
    [jobWith({}, { Count: '2' }), /Count: must be an integer/],
    [jobWith({ Lifecycle: { Hook: 'prestart', Sidecar: true } }), /needs a main task/],
    [jobWith({}, {}, { TaskGroup: [] }), /TaskGroup: is no field of Job/],
  ];
  for (const [job, fault] of cases) {
    const faults = nomadFaults([job]);
    if (fault === undefined) assert.deepEqual(faults, []);
    else assert.match(faults.join('\n'), fault);
  }
});

test('the example of the documentation is the golden file', () => {
  assertExamples('nomad');
});

test('nomad: odd jobs are injected into, or are faults', () => {
  const odd = fc.oneof(
    fc.jsonValue({ maxDepth: 1 }),
    fc.constantFrom<unknown>('http', '8000', 8000, 8081, 9090, null, [], '${NOMAD_PORT_http}'),
  );
  const members = (...keys: string[]) =>
    fc.record(Object.fromEntries(keys.map((key) => [key, odd])), { requiredKeys: [] });
  const lists = (item: fc.Arbitrary<unknown>) => fc.oneof(odd, fc.array(fc.oneof(item, odd), { maxLength: 2 }));
  const services = lists(
    fc.record(
      { PortLabel: odd, Checks: lists(members('Type', 'Path', 'PortLabel', 'CheckRestart', 'Args')), Connect: odd },
      { requiredKeys: [] },
    ),
  );
  const task = fc.record(
    {
      Name: fc.constantFrom('agent', 'outrider', 'other'),
      Driver: fc.constant('docker'),
      Config: fc.oneof(odd, members('image', 'ports', 'args', 'command', 'auth', 'logging')),
      Env: fc.oneof(odd, members('PORT', 'HOST', 'LISTEN')),
      Services: services,
      Templates: odd,
      KillTimeout: odd,
      Lifecycle: fc.constantFrom(null, undefined),
    },
    { requiredKeys: ['Name', 'Driver'] },
  );
  const port = members('Label', 'To', 'Value');
  const group = fc.record(
    {
      Name: fc.oneof(fc.constant('api'), odd),
      Networks: fc.tuple(
        fc.record({ Mode: fc.constant('bridge'), DynamicPorts: lists(port), ReservedPorts: lists(port) }),
      ),
      Services: services,
      ShutdownDelay: odd,
      Tasks: fc.tuple(fc.oneof(task, odd), task),
    },
    { requiredKeys: ['Networks', 'Tasks'] },
  );
  const job = fc.record({ Job: fc.record({ ID: fc.oneof(fc.constant('support'), odd), TaskGroups: fc.tuple(group) }) });
  onlyManifestErrors(nomad, job, makePlan(undefined, { version: '1.2.3', container: 'agent' }));
});
