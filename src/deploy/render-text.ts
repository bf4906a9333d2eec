import type { Json } from './json.ts';
import type { Target } from './target.ts';
import { renderDocuments } from './text/render-document.ts';

/** Documents as a file of a target. */
export function renderText(target: Target, documents: readonly Json[]): string {
  return renderDocuments(documents, target.format);
}
