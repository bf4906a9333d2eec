import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buf } from './buf.ts';
import { commentsOf } from './comments.ts';
import { temporary } from './temporary.ts';

const OUT = 'src/contract/gen';

/** Writes all code that is made of the protos into `directory`, which is empty. */
export function generate(directory: string): void {
  temporary((work) => {
    buf(['generate', '--output', work]);
    rmSync(directory, { recursive: true });
    renameSync(join(work, OUT), directory);
    const image = join(work, 'image.binpb');
    buf(['build', '--output', image]);
    writeFileSync(join(directory, 'comments.ts'), written(commentsOf(readFileSync(image))));
  });
}

function written(comments: ReadonlyMap<string, string>): string {
  const entries = [...comments].map(([name, text]) => `  [${JSON.stringify(name)}, ${JSON.stringify(text)}],`);
  return `// @generated from proto/ by scripts/contract.ts: what stands above each message, field, method and service.
/* eslint-disable */

export const COMMENTS: ReadonlyMap<string, string> = new Map([
${entries.join('\n')}
]);
`;
}
