import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findProgram } from '../../../src/cli/deploy/program.ts';

/**
 * Programs of platforms that behave as the real ones do, on a platform that is one file, `live`. Each notes its arguments, and
 * what it was given to read with the mode that had.
 */
const SCRIPTS = {
  // kubectl-diff(1): 0 the same, 1 differs, more: it failed.
  kubectl: `
case "$1" in
  diff) diff -u -N "$FAKE/live" -; code=$?; exit "\${FAKE_DIFF:-$code}" ;;
  apply) cat > "$FAKE/live"; echo "deployment.apps/support-agent configured"; exit "\${FAKE_APPLY:-0}" ;;
esac`,
  docker: `
case "$*" in
  'compose version') exit "\${FAKE_COMPOSE:-0}" ;;
  'info '*) exit "\${FAKE_ENGINE:-0}" ;;
  *--dry-run*) cat > /dev/null; echo 'DRY-RUN MODE -  Container support-agent  Created'; exit "\${FAKE_DIFF:-0}" ;;
  *' up '*) cat > "$FAKE/live"; echo "token \${#AGENT_AUTH_TOKEN}"; exit "\${FAKE_APPLY:-0}" ;;
  *' down') cat > /dev/null ;;
esac`,
  gcloud: `
case "$3" in
  describe)
    [ -n "$FAKE_DIFF" ] && { echo 'ERROR: (gcloud.run.services.describe) You do not currently have an active account selected.' >&2; exit "$FAKE_DIFF"; }
    [ -e "$FAKE/live" ] && cat "$FAKE/live" && exit 0
    echo "ERROR: (gcloud.run.services.describe) Cannot find service [$4]" >&2; exit 1 ;;
  replace) stat -c %a "$4" > "$FAKE/mode"; cp "$4" "$FAKE/live"; exit "\${FAKE_APPLY:-0}" ;;
esac`,
  aws: `
case "$2" in
  describe-task-definition)
    [ -n "$FAKE_DIFF" ] && { echo 'Unable to locate credentials. You can configure credentials by running "aws configure".' >&2; exit "$FAKE_DIFF"; }
    [ -e "$FAKE/live" ] || { echo 'An error occurred (ClientException) when calling the DescribeTaskDefinition operation: Unable to describe task definition.' >&2; exit 254; }
    "$NODE" -e "$AWS_DESCRIBE" ;;
  register-task-definition) stat -c %a "\${4#file://}" > "$FAKE/mode"; cp "\${4#file://}" "$FAKE/live"; echo arn:aws:ecs:x:1:task-definition/support-agent:4; exit "\${FAKE_APPLY:-0}" ;;
esac`,
  // Version 2.91.0 ends with 2 on words that a command does not take; --environment is of `create`, which needs it.
  az: `
verb=$2; app=$4; file=$6
env=
for word in "$@"; do
  case "$word" in
    --environment|--environment=*) env=1; [ "$verb" = create ] || { echo "ERROR: unrecognized arguments: $word" >&2; exit 2; } ;;
    --yaml|--no-wait) [ "$verb" != show ] || { echo "ERROR: unrecognized arguments: $word" >&2; exit 2; } ;;
    --name|--output|--resource-group|--resource-group=*|-g|--subscription|--subscription=*|--debug|--verbose|--only-show-errors) ;;
    -*) echo "ERROR: unrecognized arguments: $word" >&2; exit 2 ;;
  esac
done
[ "$verb$env" != create ] || { echo 'ERROR: environmentId is required.' >&2; exit 1; }
case "$verb" in
  show)
    [ -n "$FAKE_DIFF" ] && { echo "ERROR: (ResourceGroupNotFound) Resource group 'x' could not be found." >&2; exit "$FAKE_DIFF"; }
    [ -e "$FAKE/live" ] && cat "$FAKE/live" && echo 'systemData: {createdBy: me}' && exit 0
    echo "ERROR: (ResourceNotFound) The Resource 'Microsoft.App/containerApps/$app' was not found." >&2; exit 3 ;;
  create|update) stat -c %a "$file" > "$FAKE/mode"; cp "$file" "$FAKE/live"; exit "\${FAKE_APPLY:-0}" ;;
esac`,
  // nomad job plan: 0 no allocation changes, 1 some do, 255: it failed.
  nomad: `
case "$2" in
  plan)
    [ "\${FAKE_DIFF:-1}" = 255 ] && { echo 'Error during plan: Put "http://127.0.0.1:4646": connection refused' >&2; exit 255; }
    cat > /dev/null; printf '+ Job: "support-agent"\\n\\nJob Modify Index: 7\\n'; exit "\${FAKE_DIFF:-1}" ;;
  run) cat > "$FAKE/live"; exit "\${FAKE_APPLY:-0}" ;;
esac`,
} as const;

/** AWS keeps tags beside the definition, fills in what it was not told, and keeps no order among variables. */
const AWS_DESCRIBE = `
const { tags = [], ...definition } = JSON.parse(require('node:fs').readFileSync(process.env.FAKE + '/live', 'utf8'));
for (const container of definition.containerDefinitions) {
  container.environment?.reverse();
  container.mountPoints ??= [];
  container.systemControls ??= [];
}
const added = { revision: 3, status: 'ACTIVE', placementConstraints: [], registeredAt: 1.7e9 };
console.log(JSON.stringify({ taskDefinition: { ...definition, ...added }, tags }));`;

export type ProgramName = keyof typeof SCRIPTS;

export interface FakePlatform {
  /** For a child process: the programs, and what they need. */
  readonly env: Record<string, string>;
  /** Each call's program and arguments, in order. */
  readonly calls: () => string[][];
  /** What the platform has been given; undefined before that. */
  readonly live: () => string | undefined;
  readonly setLive: (text: string) => void;
  /** The mode of the file that the program was given. */
  readonly mode: () => string;
}

const NEEDED = ['sh', 'cat', 'cp', 'diff', 'sed', 'stat', 'sleep', 'kill'] as const;

/** A `PATH` with these programs and nothing else but what they are made of. */
export function fakePlatform(folder: string, programs: readonly ProgramName[]): FakePlatform {
  const bin = join(folder, 'bin');
  const state = join(folder, 'state');
  mkdirSync(bin);
  mkdirSync(state);
  for (const name of NEEDED) {
    const path = findProgram(name, process.env);
    if (path !== undefined) symlinkSync(path, join(bin, name));
  }
  for (const name of programs) {
    const note = `{ printf '%s\\037' "\${0##*/}" "$@"; echo; } >> "$FAKE/calls"`;
    const hang = '[ -z "$FAKE_HANG" ] || { : > "$FAKE/hangs"; exec sleep 60; }';
    writeFileSync(join(bin, name), `#!/bin/sh\n${note}\n${hang}\n${SCRIPTS[name]}\n`, { mode: 0o755 });
  }
  const read = (name: string): string | undefined =>
    readdirSync(state).includes(name) ? readFileSync(join(state, name), 'utf8') : undefined;
  return {
    env: { PATH: bin, FAKE: state, NODE: process.execPath, AWS_DESCRIBE },
    calls: () =>
      (read('calls') ?? '')
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => line.split('\u001F').slice(0, -1)),
    live: () => read('live'),
    setLive: (text) => writeFileSync(join(state, 'live'), text),
    mode: () => read('mode')?.trim() ?? '',
  };
}
