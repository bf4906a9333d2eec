import { readFile } from 'node:fs/promises';
import type { InboundCall, Reply } from '../../call.ts';
import { embedded } from '../../embedded.ts';
import type { Route } from '../../endpoints/router.ts';
import { OutriderError } from '../../errors.ts';
import { lazy } from '../../lazy.ts';

/** Beside `src` in a checkout, and beside `dist` in the package. */
const ROOT = new URL('../../../', import.meta.url);

const FILES = [
  { path: '/docs', file: 'web/docs/index.html', type: 'text/html; charset=utf-8' },
  { path: '/docs/page.css', file: 'web/docs/page.css', type: 'text/css; charset=utf-8' },
  { path: '/docs/page.js', file: 'web/docs/page.js', type: 'text/javascript; charset=utf-8' },
] as const;

/** Texts of agents are shown there, and a token is typed in: nothing runs but our own script, and it speaks with us alone. */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** A page to try agents from, in the browser. It is open, and knows no agent until somebody has put in a credential. */
export function docsPage(): Route<InboundCall>[] {
  return FILES.flatMap(({ path, file, type }) => {
    const page = lazy(async () => embedded(file) ?? readFile(new URL(file, ROOT)));
    const service = async (): Promise<Reply> => {
      const body = await page.load().catch((error: unknown) => {
        throw new OutriderError('not_found', 'this page is not part of this installation', { cause: error });
      });
      return { status: 200, headers: [...HEADERS, 'Content-Type', type], body };
    };
    return [
      { method: 'GET', path, service },
      { method: 'HEAD', path, service },
    ];
  });
}

const HEADERS = [
  'Content-Security-Policy',
  POLICY,
  'X-Content-Type-Options',
  'nosniff',
  'Referrer-Policy',
  'no-referrer',
  'Cache-Control',
  'no-cache',
];
