import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { RUNTIME_VERSION } from './targets.ts';

/** The text that goes with the executable: our licence, and those of what is in it. `packages`: folders, relative to the root. */
export function licenses(root: string, packages: readonly string[]): string {
  const node = `Node.js ${RUNTIME_VERSION}: https://github.com/nodejs/node/blob/v${RUNTIME_VERSION}/LICENSE`;
  const ours = readFileSync(join(root, 'LICENSE'), 'utf8');
  return [`outrider\n\n${ours}`, node, ...packages.map((folder) => licenseOf(join(root, folder)))]
    .map((text) => text.trim())
    .join(`\n\n${'-'.repeat(80)}\n\n`)
    .concat('\n');
}

function licenseOf(folder: string): string {
  const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const file = readdirSync(folder).find((file) => /^(licen[cs]e|copying)(\.(md|txt))?$/i.test(file));
  const text = file === undefined ? `Licence: ${license}` : readFileSync(join(folder, file), 'utf8');
  return `${name} ${version}\n\n${text}`;
}
