import assert from 'node:assert/strict';
import { test } from 'node:test';
import { foreignPages } from './foreign-pages.ts';

async function statusOf(headers: string[], isOpen = true): Promise<number> {
  const call = { method: 'POST', target: '/', headers, body: null, signal: new AbortController().signal };
  const reply = await foreignPages(() => isOpen)(call, async () => ({ status: 200, headers: [], body: null }));
  return reply.status;
}

const refused = { code: 'forbidden' };

test('a page of a name that anybody could have made to resolve to here is refused', async () => {
  for (const headers of [
    ['Host', 'evil.example:8085', 'Origin', 'http://evil.example:8085'],
    ['Origin', 'null'],
    ['Origin', ''],
    ['Origin', 'http://localhost.evil.example'],
    ['Origin', 'http://127.0.0.1.evil.example'],
    ['Origin', 'http://localhost', 'Origin', 'http://evil.example'],
    ['Origin', 'http://evil.example', 'Sec-Fetch-Site', 'cross-site'],
    ['Origin', 'http://evil.example', 'Sec-Fetch-Site', 'same-site'],
  ]) {
    await assert.rejects(statusOf(headers), refused, String(headers));
  }
});

test('programs are served, and pages under an address, localhost, or a name with a certificate', async () => {
  for (const headers of [
    [],
    ['Host', 'agents.example'],
    ['Origin', 'http://localhost:8085'],
    ['Origin', 'http://127.0.0.1:8085'],
    ['Origin', 'http://[::1]:8085'],
    ['Origin', 'http://192.0.2.7:8085'],
    ['Origin', 'https://agents.example', 'Sec-Fetch-Site', 'same-origin'],
  ]) {
    assert.equal(await statusOf(headers), 200, String(headers));
  }
});

test('where a credential is asked for, no page has it', async () => {
  assert.equal(await statusOf(['Origin', 'http://evil.example'], false), 200);
});
