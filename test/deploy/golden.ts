import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseAllDocuments } from 'yaml';
import { readAgentFile } from '../../src/config/agent-file.ts';
import { makePlan, type PlanOptions } from '../../src/deploy/make-plan.ts';
import { renderText } from '../../src/deploy/render-text.ts';
import type { RenderOptions, Target } from '../../src/deploy/target.ts';
import { ejectText, readRecord } from '../../src/deploy/text/eject-text.ts';
import { type Injected, injectText } from '../../src/deploy/text/inject-text.ts';
import { ManifestTextError } from '../../src/deploy/text/line-note.ts';
import { findRecord } from '../../src/deploy/text/record-text.ts';
import { assertGolden, lineTexts, readSections, type Sections } from './golden-file.ts';

/**
 * Golden files in the txtar form: sections that begin with a line `-- NAME --`. A case has
 *   agent.yaml     optional: the agent's file
 *   options.json   optional: `PlanOptions`, and `agentImage`, `publicPort` where a whole manifest is rendered
 *   input          the manifest; without it, a whole one is rendered
 *   output         the expected manifest, without the record that eject needs: its bytes differ between versions of zlib
 *                  (JSON keeps the variable, with the beginning of its value), or
 *   faults         the expected faults, a line each: `LINE: MESSAGE`
 *   notes          what whoever deploys is told, `LINE: MESSAGE`; none when the section is not there
 */
export interface GoldenOptions extends Partial<PlanOptions>, Partial<Omit<RenderOptions, 'secretStore'>> {}

const FOLDER = join(import.meta.dirname, 'golden');

/** Runs every case of a target, and holds each output against the platform's schema. */
export function goldenTests(target: Target, faultsOf: (documents: readonly unknown[]) => readonly string[]): void {
  const folder = join(FOLDER, target.name);
  for (const file of readdirSync(folder).filter((name) => name.endsWith('.txt'))) {
    test(`${target.name}: ${file.replace('.txt', '')}`, async () => {
      const path = join(folder, file);
      const sections = readSections(path);
      const { got, text } = await run(target, sections);
      assertGolden(path, sections, got);
      if (text === undefined) return;
      const documents = parseAllDocuments(text, { merge: true }).map((document) => document.toJS() as unknown);
      assert.deepEqual(faultsOf(documents), [], 'the output follows the schema of the platform');
      await checkTwice(target, sections, text);
      if (sections['input'] !== undefined && readRecord(text)) assert.equal(ejectText(text).text, sections['input']);
    });
  }
}

/** What is compared, and the whole text where there is one. */
async function run(target: Target, sections: Sections): Promise<{ got: Sections; text?: string }> {
  try {
    const { text, notes } = await inject(target, sections, sections['input']);
    const found = findRecord(text);
    const output = found && 'rest' in found ? found.rest : text;
    return { got: { output, ...(notes.length > 0 && { notes: lineTexts(notes) }) }, text };
  } catch (error) {
    if (!(error instanceof ManifestTextError)) throw error;
    return { got: { faults: lineTexts(error.faults) } };
  }
}

async function inject(target: Target, sections: Sections, input: string | undefined): Promise<Injected> {
  const { agentImage, publicPort = 8080, ...rest }: GoldenOptions = JSON.parse(sections['options.json'] ?? '{}');
  const yaml = sections['agent.yaml'];
  const spec = yaml === undefined ? undefined : (await readAgentFile({ file: 'agent.yaml', text: yaml, env: {} })).spec;
  const plan = makePlan(spec, { version: '1.2.3', ...rest });
  let manifest = input;
  if (manifest === undefined) {
    assert.ok(spec, 'without an input, a case needs agent.yaml');
    const options = { agentImage: agentImage ?? `${spec.name}:${spec.version ?? '1.0.0'}`, publicPort };
    manifest = renderText(
      target,
      target.render(spec, { ...options, ...(plan?.secretStore && { secretStore: plan.secretStore }) }),
    );
  }
  return plan === undefined ? { text: manifest, notes: [] } : injectText(manifest, target, plan);
}

/** Injecting twice changes nothing. */
async function checkTwice(target: Target, sections: Sections, output: string): Promise<void> {
  const again = await inject(target, sections, output);
  assert.equal(again.text, output, 'injecting twice changes nothing');
}
