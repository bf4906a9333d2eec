import { type JsonObject, objectsOf, textOf } from '../json.ts';
import { ManifestError } from '../target.ts';

/** Where the value of a secret comes from: the `valueFrom` of a name. */
export type SecretSource = (name: string) => string;

/**
 * Where the sidecar's secrets are: in the store that was chosen; else where the agent has a secret of that name; else
 * beside the agent's own; else in the Parameter Store under `/outrider/AGENT/NAME`. Throws `ManifestError`.
 */
export function secretSource(agent: JsonObject, agentName: string, store: string | undefined): SecretSource {
  if (store !== undefined) return inStore(store);
  const own = objectsOf(agent['secrets']).flatMap((secret) => {
    const { name, valueFrom } = secret;
    return typeof name === 'string' && typeof valueFrom === 'string' ? [{ name, valueFrom }] : [];
  });
  const beside = own.map(({ name, valueFrom }) => besides(name, valueFrom)).find((source) => source !== undefined);
  return (name) =>
    own.find((secret) => secret.name === name)?.valueFrom ?? beside?.(name) ?? `/outrider/${agentName}/${name}`;
}

/** A secret of the Secrets Manager with a JSON key for each, or a path of the Parameter Store. Throws `ManifestError`. */
export function inStore(store: string): SecretSource {
  if (/^arn:[^:]+:secretsmanager:/.test(store)) return (name) => `${store}:${name}::`;
  if (/^(\/|arn:[^:]+:ssm:)/.test(store)) return (name) => `${store.replace(/\/$/, '')}/${name}`;
  const message =
    '--secret-store takes for ecs the ARN of a Secrets Manager secret (whose keys are the names), or a path of the ' +
    `Parameter Store such as /prod/agent: ${store} is neither`;
  throw new ManifestError([{ document: 0, path: [], message }]);
}

export function references(names: readonly string[], source: SecretSource): JsonObject[] {
  return names.map((name) => ({ name, valueFrom: source(name) }));
}

/** A source that differs from this one in nothing but the name, which is the last part of it. */
function besides(name: string, valueFrom: string): SecretSource | undefined {
  const [, before, after] = /^(.*[/:])[^/:]+?(::)?$/.exec(valueFrom) ?? [];
  if (before === undefined || `${before}${name}${after ?? ''}` !== valueFrom) return undefined;
  return (other) => `${before}${other}${after ?? ''}`;
}

/** One sentence on what must be there before the task starts. */
export function secretsMessage(secrets: readonly JsonObject[], hasExecutionRole: boolean): string {
  const sources = secrets.map(({ valueFrom }) => textOf(valueFrom)).join(', ');
  const role = hasExecutionRole
    ? 'the execution role must be allowed to read them'
    : 'and set executionRoleArn to a role that may read them, without which the task definition cannot be registered';
  return `the sidecar's secrets must be there before the task starts: ${sources}; ${role}`;
}
