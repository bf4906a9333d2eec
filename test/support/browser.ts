import { existsSync } from 'node:fs';
import { type Browser, chromium } from 'playwright-core';

const PLACES = [
  process.env['CHROMIUM'],
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
];

const executablePath = PLACES.find((path) => path !== undefined && existsSync(path));

/** Why the tests that need a browser are skipped; false when there is one. */
export const noBrowser: string | false =
  executablePath === undefined ? 'no Chromium on this machine (CHROMIUM=PATH names one)' : false;

/** A headless browser that looks for nothing on the network by itself. */
export function openBrowser(): Promise<Browser> {
  if (executablePath === undefined) throw new Error(String(noBrowser));
  const args = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-sync'];
  return chromium.launch({
    executablePath,
    args: [...args, '--disable-background-networking', '--disable-component-update'],
  });
}
