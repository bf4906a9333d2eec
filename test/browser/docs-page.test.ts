import assert from 'node:assert/strict';
import { after, afterEach, before, suite, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Browser, Page } from 'playwright-core';
import { type AgentDefinition, AgentError } from '../../src/library/agent.ts';
import { noBrowser, openBrowser } from '../support/browser.ts';
import { type HostInProcess, hostFor } from '../support/host.ts';
import type { Ends } from '../support/temp.ts';
import { until } from '../support/until.ts';

suite('the page to try agents from', { skip: noBrowser }, () => {
  const ends: (() => unknown)[] = [];
  const scope: Ends = { after: (end) => void ends.push(end) };
  const aborted: string[] = [];
  const faults: string[] = [];
  let browser: Browser;
  let host: HostInProcess;

  const agents: AgentDefinition[] = [
    {
      id: 'shout',
      name: 'Shout <b>loud</b>',
      model: 'none',
      description: 'Says it louder.',
      async *stream({ input }, { signal }) {
        for (const word of input.split(' ')) {
          if (word === 'wait') await sleep(60_000, undefined, { signal }).catch(() => aborted.push(input));
          if (word === 'fail') throw new AgentError('agent_failed', 'cannot shout <script>alert(1)</script>');
          yield `${word.toUpperCase()} `;
        }
      },
    },
    { id: 'quiet', name: 'Quiet', description: 'Says nothing.', execute: () => '' },
  ];

  afterEach(() => assert.deepEqual(faults.splice(0), []));
  before(async () => {
    [browser, host] = await Promise.all([openBrowser(), hostFor(scope, { agents })]);
  });
  after(async () => {
    await browser?.close();
    for (const end of ends.toReversed()) await end();
  });

  /** A page whose own faults, and what its policy forbids, are faults of the test. */
  async function signedIn(): Promise<Page> {
    const page = await browser.newPage();
    page.on('pageerror', (error) => faults.push(error.message));
    page.on('console', (message) => {
      // A reply that is an error is not one of the page.
      if (message.type() === 'error' && !message.text().startsWith('Failed to load resource'))
        faults.push(message.text());
    });
    await page.goto(`${host.url}/docs`);
    await page.fill('#token', host.token);
    await page.click('text=Show agents');
    await page.waitForSelector('#agents button');
    return page;
  }

  test('shows nothing without a credential, and says so when it is wrong', async () => {
    const page = await browser.newPage();
    await page.goto(`${host.url}/docs`);
    assert.equal(await page.locator('#agents button').count(), 0);
    await page.fill('#token', 'wrong');
    await page.click('text=Show agents');
    await page.waitForSelector('#sign-in-fault:not([hidden])');
    assert.match(await page.innerText('#sign-in-fault'), /unauthenticated/);
    assert.equal(await page.locator('#agents button').count(), 0);
    await page.close();
  });

  test('lists the agents, and takes what they say as text', async () => {
    const page = await signedIn();
    const names = await page.locator('#agents button').allInnerTexts();
    assert.deepEqual(new Set(names.map((text) => text.split('\n')[0])), new Set(['Quiet', 'Shout <b>loud</b>']));
    assert.equal(await page.locator('#agents b').count(), 0);
    await page.close();
  });

  test('streams, executes, and shows the reply', async () => {
    const page = await signedIn();
    await page.click('#agents button[data-id=shout]');
    for (const how of ['Stream', 'Execute']) {
      await page.fill('#input', "it's one two");
      await page.click(`#ask button:text-is("${how}")`);
      await page.waitForSelector('#facts:not([hidden])');
      assert.equal((await page.innerText('#output')).trim(), "IT'S ONE TWO", how);
      assert.match(await page.innerText('#facts'), /Stop reason\s+completed/);
    }
    assert.match(await page.innerText('#curl'), /execute\/stream' [\s\S]*"input":"it'\\''s one two"/);
    await page.close();
  });

  test('shows text as it arrives, and stopping stops the agent', async () => {
    const page = await signedIn();
    await page.click('#agents button[data-id=shout]');
    await page.fill('#input', 'first wait');
    await page.click('#ask button:text-is("Stream")');
    await page.waitForSelector('#output:has-text("FIRST")');
    assert.equal(aborted.length, 0);
    await page.click('#stop');
    await until(() => aborted.includes('first wait'), 'the run to be aborted');
    assert.match(await page.innerText('#fault'), /stopped/);
    await page.close();
  });

  test('shows what went wrong, with the request, as text', async () => {
    const page = await signedIn();
    await page.click('#agents button[data-id=shout]');
    for (const how of ['Stream', 'Execute']) {
      await page.fill('#input', 'fail');
      await page.click(`#ask button:text-is("${how}")`);
      await page.waitForSelector('#fault:not([hidden])');
      assert.match(
        await page.innerText('#fault'),
        /^cannot shout <script>alert\(1\)<\/script> \(agent_failed, request [\w-]+\)$/,
      );
      await page.fill('#input', 'x');
    }
    await page.close();
  });
});
