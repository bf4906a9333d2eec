import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { VARIABLES } from '../src/config/environment.ts';
import { HOST_FILES, HOST_VARIABLES } from '../src/config/host-environment.ts';
import { hostSchema } from '../src/config/host-schema.ts';
import { configJsonSchema } from '../src/config/json-schema.ts';
import { configSchema } from '../src/config/schema.ts';
import { writtenShape } from '../src/config/shape.ts';
import { type Field, type ObjectShape, objectShape, type Shape } from '../src/config/shape-tree.ts';
import { DEFAULT_FILES } from '../src/config/source.ts';
import type { Variable } from '../src/config/variable.ts';
import { contractJsonSchema } from '../src/contract/json-schema.ts';

/**
 * Writes what the configuration schema says of itself: `docs/configuration.md` and `schema/outrider.schema.json`, the same of the
 * host, and the JSON Schema of the contract.
 * With `--check` nothing is written, and the exit code is 1 when a file differs.
 */

const ROOT = join(import.meta.dirname, '..');
const EXAMPLES = join(ROOT, 'src/config/examples');

const example = (name: string): string => readFileSync(join(EXAMPLES, name), 'utf8').trimEnd();

function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(heads), line(heads.map(() => '---')), ...rows.map(line)].join('\n');
}

const code = (value: unknown): string => `\`${typeof value === 'string' ? value : JSON.stringify(value)}\``;

/** What a value may be, in a word or two. */
function typeOf(shape: Shape): string {
  if (shape.kind === 'scalar') {
    if (shape.unit !== undefined) return shape.unit === 'ms' ? 'duration' : 'size';
    if (shape.values !== undefined) return shape.values.map(code).join(', ');
    if (shape.url === true) return 'URL';
    return shape.accepts.has('string') ? 'text' : [...shape.accepts].join(' or ');
  }
  if (shape.kind === 'list') {
    const { item } = shape;
    if (item.kind === 'scalar') return `list of ${typeOf(item)}`;
    const texts = item.kind === 'choice' ? item.options.filter((option) => option.kind === 'scalar') : [];
    return ['list of mappings', ...texts.map(typeOf)].join(' or ');
  }
  if (shape.kind === 'record')
    return `mapping of names to ${shape.value.kind === 'scalar' ? typeOf(shape.value) : 'entries'}`;
  if (shape.kind === 'choice') return [...new Set(shape.options.map(typeOf))].join(' or ');
  return 'mapping';
}

function rowsOf(fields: ReadonlyMap<string, Field>, prefix: string): string[][] {
  const rows: string[][] = [];
  for (const [key, field] of fields) {
    const nested = field.shape.kind === 'object' ? field.shape.fields : undefined;
    const fallback = nested !== undefined || field.default === undefined ? '' : code(field.default);
    const path = `${prefix}${key}`;
    rows.push([code(path), typeOf(field.shape), field.required ? 'required' : fallback, field.description ?? '']);
    if (nested !== undefined) rows.push(...rowsOf(nested, `${path}.`));
  }
  return rows;
}

/** The mappings that stand in lists and under names of one's own: each its own table. */
function entryTables(fields: ReadonlyMap<string, Field>, prefix = ''): string {
  return [...fields]
    .flatMap(([name, { shape }]) => {
      const key = `${prefix}${name}`;
      if (shape.kind === 'object') return entryTables(shape.fields, `${key}.`);
      const entry = shape.kind === 'list' ? shape.item : shape.kind === 'record' ? shape.value : undefined;
      const options = entry?.kind === 'choice' ? entry.options : entry === undefined ? [] : [entry];
      const where = shape.kind === 'list' ? `${key}[]` : `${key}.NAME`;
      return options.flatMap((option) => {
        if (option.kind !== 'object') return [];
        return [`### ${code(where)}${which(option)}\n\n${table(KEY_HEADS, rowsOf(option.fields, ''))}`];
      });
    })
    .filter((table) => table !== '')
    .join('\n\n');
}

/** What tells one of several mappings apart: a key that only it has, or the values of one that all have. */
function which({ fields, mark }: ObjectShape): string {
  if (mark !== undefined) return ` with ${code(mark)}`;
  for (const key of ['transport', 'type']) {
    const field = fields.get(key)?.shape;
    if (field?.kind === 'scalar' && field.values !== undefined)
      return ` with ${key} ${field.values.map(code).join(' or ')}`;
  }
  return '';
}

const KEY_HEADS = ['Key', 'Type', 'Default', 'Meaning'];

function environmentRows(variables: readonly Variable[]): string[][] {
  return variables.map((variable) => [
    code(variable.name),
    variable.alias === undefined ? '' : code(variable.alias),
    variable.key === undefined ? '' : code(variable.key),
    variable.description,
  ]);
}

function configurationPage(): string {
  const { fields } = writtenShape();
  return `<!-- Generated by scripts/generate-docs.ts from the schema. Edit src/config/schema.ts or src/config/environment.ts. -->

# Configuration

Everything can be left at its default but the agent's name and a bearer token:

\`\`\`sh
AGENT_NAME=support-agent AGENT_AUTH_TOKEN="$(openssl rand -hex 32)" outrider sidecar
\`\`\`

The configuration comes from one YAML file and the environment. **The environment wins over the file.** The file is the one
that \`--config\` names, or \`OUTRIDER_CONFIG\`, and then it must be there; else the first of ${DEFAULT_FILES.map(code).join(', ')} that is.

- \`outrider config check\` prints every fault at once, with file, line and column, and what was probably meant. It exits 1 when
  there is one. Unknown keys are faults.
- \`outrider config show\` prints the effective configuration and where each value comes from, without secrets.
- \`outrider config schema\` prints the JSON Schema of the file. The package carries it for editors:

\`\`\`yaml
# yaml-language-server: $schema=node_modules/outrider/schema/outrider.schema.json
\`\`\`

## File

A **duration** is \`250ms\`, \`25s\`, \`5m\`, \`1h\`, \`30d\`, or a number of seconds. A **size** is \`64KiB\`, \`10MiB\`, \`1GB\`, or a number
of bytes. An address is \`HOST:PORT\`, or \`:PORT\` for all interfaces; port 0 takes any free port. A key with nothing behind it is
as if it were not there.

${table(KEY_HEADS, rowsOf(fields, ''))}

${entryTables(fields)}

## Environment

An empty variable is as if it were not set. The names of AgentBreeder's sidecar are read too; when both are set, the first
one wins, and a warning says so. Beyond these, every standard \`OTEL_*\` variable keeps its meaning, and \`token_env\` names
variables of your own.

${table(['Variable', 'Also read as', 'Key', 'Meaning'], environmentRows(VARIABLES))}

## Secrets

Tokens come from the environment, or from a file that the configuration names; a rotating set of tokens from
\`auth_tokens_file\`. In the YAML, use \`token_env\` to name the variable that holds a peer's or server's token. No secret is
printed by \`config show\`, by faults or in logs.

## Example

\`\`\`yaml
${example('outrider.yaml')}
\`\`\`

## A file of AgentBreeder's sidecar

It is read as it is, from the place where it lies today:

\`\`\`yaml
${example('agentbreeder.yaml')}
\`\`\`
`;
}

function hostPage(): string {
  const { fields } = objectShape(hostSchema, 'in');
  return `<!-- Generated by scripts/generate-docs.ts from the schema. Edit src/config/host-schema.ts, agent-entry.ts or host-variables.ts. -->

# Configuration of a host

What \`outrider host\` does is told in [host.md](host.md). Its configuration comes from its command line, the environment and one
YAML file, and the first of these that says something wins. The file is the one that \`--config\` names, or
\`OUTRIDER_HOST_CONFIG\`, and then it must be there; else the first of ${HOST_FILES.map(code).join(', ')} that is. A host that cannot use its
configuration says every fault of it, with file, line and column, and exits 1.

Paths in the file are relative to the file; elsewhere they are relative to the working directory. Durations, sizes and addresses are
written as in [configuration.md](configuration.md). The package carries a JSON Schema for editors:

\`\`\`yaml
# yaml-language-server: $schema=node_modules/outrider/schema/outrider-host.schema.json
\`\`\`

## File

${table(KEY_HEADS, rowsOf(fields, ''))}

${entryTables(fields)}

An agent that is a text is a module's path, or an address. A mapping with neither \`module\` nor \`command\` nor \`url\` says how an
agent is kept that one of \`modules\` exports.

## Environment

An empty variable is as if it were not set. Beyond these, every standard \`OTEL_*\` variable keeps its meaning, and \`key_env\` and
\`token_env\` name variables of your own. Agents that are commands see none of those that
hold a secret of the host, but the \`OTEL_*\` ones, credentials of the collector among them: they may have traces of their own.

${table(['Variable', 'Also read as', 'Key', 'Meaning'], environmentRows(HOST_VARIABLES))}

## Example

\`\`\`yaml
${example('outrider-host.yaml')}
\`\`\`
`;
}

const outputs: Record<string, string> = {
  'docs/configuration.md': configurationPage(),
  'docs/host-configuration.md': hostPage(),
  'schema/outrider.schema.json': `${JSON.stringify(configJsonSchema(configSchema), null, 2)}\n`,
  'schema/outrider-host.schema.json': `${JSON.stringify(configJsonSchema(hostSchema), null, 2)}\n`,
  'schema/outrider-agent-v1.schema.json': `${JSON.stringify(contractJsonSchema(), null, 2)}\n`,
};

for (const [path, text] of Object.entries(outputs)) {
  const file = join(ROOT, path);
  if (process.argv.includes('--check')) {
    if (current(file) === text) continue;
    console.error(`${path} is not what the schema says: run scripts/generate-docs.ts`);
    process.exitCode = 1;
  } else {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
}

function current(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
