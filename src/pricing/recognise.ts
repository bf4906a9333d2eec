import type { ModelApi } from './api.ts';
import { MESSAGES } from './apis/anthropic.ts';
import { CONVERSE } from './apis/bedrock.ts';
import { GENERATE_CONTENT, INTERACTIONS } from './apis/google.ts';
import { CHAT, EMBEDDINGS, MEDIA, RESPONSES } from './apis/openai.ts';

/** A request that makes a model work. */
export interface ModelCall {
  readonly api: ModelApi;
  /** The model that the path names. */
  readonly model: string | undefined;
}

/** By the end of the path, since a base URL may have any beginning; the first group is the model. Most particular first. */
const PATHS: readonly (readonly [RegExp, ModelApi])[] = [
  [/\/chat\/completions$/, CHAT],
  [/\/completions$/, CHAT],
  [/\/responses(?:\/compact)?$/, RESPONSES],
  [/\/embeddings$/, EMBEDDINGS],
  [/\/images\/(?:generations|edits|variations)$/, MEDIA],
  [/\/audio\/(?:transcriptions|translations|speech)$/, MEDIA],
  [/\/v1\/messages$/, MESSAGES],
  [/\/publishers\/anthropic\/models\/([^/:]+):(?:streamRawPredict|rawPredict)$/, MESSAGES],
  [/\/models\/([^/:]+):(?:generateContent|streamGenerateContent|embedContent|batchEmbedContents)$/, GENERATE_CONTENT],
  // A tuned model of the Gemini API, or an endpoint of Vertex AI.
  [/\/((?:tunedModels|endpoints)\/[^/:]+):(?:generateContent|streamGenerateContent)$/, GENERATE_CONTENT],
  [/\/interactions$/, INTERACTIONS],
  [/\/model\/([^/]+)\/(?:converse|converse-stream)$/, CONVERSE],
  [/\/model\/([^/]+)\/(?:invoke|invoke-with-response-stream)$/, MESSAGES],
];

/** The model call that a request is, by its method and its path; undefined for everything else that SDKs ask for. */
export function recogniseCall(method: string, url: URL): ModelCall | undefined {
  if (method !== 'POST') return undefined;
  const path = url.pathname.replace(/\/+$/, '');
  for (const [pattern, api] of PATHS) {
    const match = pattern.exec(path);
    if (match !== null) return { api, model: match[1] === undefined ? undefined : decoded(match[1]) };
  }
  return undefined;
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
