import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { ConfigError, formatFault } from '../config/faults.ts';
import { loadAgents } from './load-agents.ts';

let directory: string;
let count = 0;

before(() => {
  directory = mkdtempSync(join(tmpdir(), 'outrider-modules-'));
});
after(() => rmSync(directory, { recursive: true, force: true }));

/** Path of a module with this text. */
function module(text: string, extension = 'mjs'): string {
  const file = join(directory, `m${count++}.${extension}`);
  writeFileSync(file, text);
  return file;
}

async function ids(...files: string[]): Promise<string[]> {
  return (await loadAgents(files)).map(({ definition }) => definition.id);
}

/** Without the names of the files. */
async function faults(...files: string[]): Promise<string[]> {
  const error: unknown = await loadAgents(files).catch((thrown: unknown) => thrown);
  assert.ok(error instanceof ConfigError, String(error));
  return error.faults.map((fault) => formatFault(fault).replace(`${fault.file}: `, ''));
}

const A = `{ id: 'a', execute: () => 'x' }`;
const B = `{ id: 'b', async *stream() {} }`;

test('agents are exported by name or by default, as a list or alone', async () => {
  assert.deepEqual(await ids(module(`export const agents = [${A}, ${B}]`)), ['a', 'b']);
  assert.deepEqual(await ids(module(`export const agents = ${A}`)), ['a']);
  assert.deepEqual(await ids(module(`export default [${A}, ${B}]`)), ['a', 'b']);
  assert.deepEqual(await ids(module(`export default ${A}`)), ['a']);
  assert.deepEqual(await ids(module(`export default { agents: [${A}] }`)), ['a']);
  assert.deepEqual(await ids(module(`module.exports = { agents: [${A}] }`, 'cjs')), ['a']);
  assert.deepEqual(await ids(module(`const one: { id: string } = ${A};\nexport const agents = [one];`, 'ts')), ['a']);
  assert.deepEqual(await ids(module(`export const agents = [${A}]; export default [${B}]`)), ['a']);
  assert.deepEqual(await ids(module('export const agents = []')), []);
});

test('every fault of every module is said, with its place', async () => {
  const bad = module(
    `export const agents = [7, null, {}, { id: 'a b', execute: 1 }, { id: '', execute() {} }, { id: 'ok', name: 3, stream: 'x' }, ${A}]`,
  );
  const id = 'expected 1 to 128 letters, digits, ".", "_", "-", beginning with a letter or digit';
  assert.deepEqual(await faults(bad), [
    'agents[0]: expected an agent: { id, execute }',
    'agents[1]: expected an agent: { id, execute }',
    `agents[2].id: ${id}`,
    'agents[2]: needs execute or stream',
    `agents[3].id: ${id}`,
    'agents[3].execute: expected a function',
    `agents[4].id: ${id}`,
    'agents[5].name: expected text of at most 16384 characters',
    'agents[5].stream: expected a function',
  ]);
  const several = await faults(bad, module('export const other = 1'), join(directory, 'absent.mjs'), directory);
  assert.equal(several.length, 12);
  assert.ok(several.some((fault) => fault.startsWith('exports no agents')));
  assert.ok(several.includes('there is no such file'));
  assert.ok(several.includes('not a file'));
});

test('a module that cannot be loaded says where it went wrong', async () => {
  const [thrown] = await faults(module(`export const agents = [];\nthrow new Error('at the top')`));
  assert.match(thrown ?? '', /^cannot be loaded: Error: at the top\n.*m\d+\.mjs:2:/);
  assert.match((await faults(module('export const agents = [')))[0] ?? '', /^cannot be loaded: SyntaxError/);
  const [missing] = await faults(module(`import './not-there.mjs'; export const agents = [];`));
  assert.match(missing ?? '', /not-there\.mjs/);
});
