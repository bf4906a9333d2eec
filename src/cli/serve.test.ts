import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { outriderFor } from '../../test/support/outrider.ts';
import { until } from '../../test/support/until.ts';

test('a tokens file that is gone is one line in the log, and one more when it is back', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'outrider-tokens-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const file = join(directory, 'tokens');
  writeFileSync(file, 'first-token\n');
  const sidecar = await outriderFor(t, { env: { OUTRIDER_AUTH_TOKENS_FILE: file } });
  const count = (text: string): number => sidecar.logs().filter(({ msg }) => String(msg).includes(text)).length;
  assert.equal(count('tokens file read'), 1);
  rmSync(file);
  await until(() => count('cannot be used') > 0, 'the fault to be logged');
  await sleep(2_500);
  assert.equal(count('cannot be used'), 1);
  writeFileSync(file, 'second-token\n');
  await until(() => count('tokens file read') === 2, 'the file to be read again');
  assert.ok(!JSON.stringify(sidecar.logs()).includes('redacted'));
});
