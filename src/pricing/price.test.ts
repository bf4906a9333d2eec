import assert from 'node:assert/strict';
import { test } from 'node:test';
import { calcPrice } from '@pydantic/genai-prices';
import { MESSAGES } from './apis/anthropic.ts';
import { CONVERSE } from './apis/bedrock.ts';
import { GENERATE_CONTENT, INTERACTIONS } from './apis/google.ts';
import { CHAT, EMBEDDINGS, MEDIA, RESPONSES } from './apis/openai.ts';
import { priceOf, providerOf } from './price.ts';
import { recogniseCall } from './recognise.ts';
import type { TokenUsage } from './usage.ts';

const AT = new Date('2026-06-01T00:00:00Z');
const price = (provider: string, model: string, usage: TokenUsage) => priceOf({ provider, model, usage, at: AT });
const brief = ({ input, output, cachedInput, cacheWrite, reasoning }: TokenUsage) => [
  input,
  output,
  cachedInput,
  cacheWrite,
  reasoning,
];

test('OpenAI: cached and reasoning tokens are parts of input and output, and have their own price', async () => {
  const usage = CHAT.usage({
    prompt_tokens: 1_000,
    completion_tokens: 500,
    total_tokens: 1_500,
    prompt_tokens_details: { cached_tokens: 400, audio_tokens: 0 },
    completion_tokens_details: { reasoning_tokens: 320 },
  });
  assert.deepEqual(brief(usage), [1_000, 500, 400, undefined, 320]);
  // 600 at 1.25, 400 at 0.125 and 500 at 10 dollars for a million.
  assert.ok(Math.abs(((await price('openai', 'gpt-5', usage)) ?? 0) - 0.0058) < 1e-12);
  assert.deepEqual(brief(EMBEDDINGS.usage({ prompt_tokens: 8, total_tokens: 8 })).slice(0, 2), [8, 0]);
  const responses = RESPONSES.usage({
    input_tokens: 75,
    input_tokens_details: { cached_tokens: 32 },
    output_tokens: 1_186,
    output_tokens_details: { reasoning_tokens: 1_024 },
    tool_usage: { web_search: { num_requests: 2 }, image_gen: { total_tokens: 0 } },
  });
  assert.deepEqual(brief(responses), [75, 1_186, 32, undefined, 1_024]);
  const expected = (43 * 1.25 + 32 * 0.125 + 1_186 * 10) / 1e6 + 0.02;
  assert.ok(Math.abs(((await price('openai', 'gpt-5', responses)) ?? 0) - expected) < 1e-12);
});

test('reasoning that stands beside the output, and not in it, is found by the total', () => {
  const grok = {
    prompt_tokens: 10,
    completion_tokens: 5,
    total_tokens: 115,
    completion_tokens_details: { reasoning_tokens: 100 },
  };
  assert.deepEqual(brief(CHAT.usage(grok)), [10, 105, undefined, undefined, 100]);
});

test('Anthropic: what was read from the cache and written to it is input, too', async () => {
  const usage = MESSAGES.usage({
    input_tokens: 100,
    cache_creation_input_tokens: 2_000,
    cache_read_input_tokens: 5_000,
    cache_creation: { ephemeral_5m_input_tokens: 1_500, ephemeral_1h_input_tokens: 500 },
    output_tokens: 300,
    service_tier: 'standard',
  });
  assert.deepEqual(brief(usage), [7_100, 300, 5_000, 2_000, undefined]);
  const expected = (100 * 3 + 1_500 * 3.75 + 500 * 6 + 5_000 * 0.3 + 300 * 15) / 1e6;
  assert.ok(Math.abs(((await price('anthropic', 'claude-sonnet-4-5-20250929', usage)) ?? 0) - expected) < 1e-12);
});

test('Google: thoughts are output, results of tools are input, zeros are left out', async () => {
  const usage = GENERATE_CONTENT.usage({
    promptTokenCount: 1_000,
    cachedContentTokenCount: 600,
    candidatesTokenCount: 50,
    thoughtsTokenCount: 150,
    toolUsePromptTokenCount: 20,
    trafficType: 'ON_DEMAND',
  });
  assert.deepEqual(brief(usage), [1_020, 200, 600, undefined, 150]);
  const expected = (420 * 0.3 + 600 * 0.03 + 200 * 2.5) / 1e6;
  assert.ok(Math.abs(((await price('google', 'gemini-2.5-flash', usage)) ?? 0) - expected) < 1e-12);
  assert.deepEqual(brief(GENERATE_CONTENT.usage({ promptTokenCount: 9 })).slice(0, 2), [9, 0]);
  const audio = { promptTokenCount: 100, promptTokensDetails: [{ modality: 'AUDIO', tokenCount: 100 }] };
  assert.ok(
    Math.abs(((await price('google', 'gemini-2.5-flash', GENERATE_CONTENT.usage(audio))) ?? 0) - 0.0001) < 1e-12,
  );
  const interaction = { total_input_tokens: 10, total_output_tokens: 5, total_thought_tokens: 7, total_tokens: 22 };
  assert.deepEqual(brief(INTERACTIONS.usage(interaction)), [10, 12, undefined, undefined, 7]);
});

test('Bedrock: cached tokens stand beside the others', () => {
  const raw = { inputTokens: 10, outputTokens: 5, cacheReadInputTokens: 100, cacheWriteInputTokens: 7 };
  assert.deepEqual(brief(CONVERSE.usage(raw)), [117, 5, 100, 7, undefined]);
});

test('an unknown price is null, never 0', async () => {
  const usage = CHAT.usage({ prompt_tokens: 10, completion_tokens: 5 });
  assert.equal(await price('openai', 'a-model-nobody-knows', usage), null);
  assert.equal(await price('no-such-provider', 'gpt-5', usage), null);
  // Listed by the hour of audio, which the reply does not say.
  assert.equal(await price('openai', 'whisper-1', MEDIA.usage({ input_tokens: 10, output_tokens: 5 })), null);
  // Dearer or cheaper than the list.
  for (const service_tier of ['priority', 'flex', 'batch', 7]) {
    assert.equal(
      await price('openai', 'gpt-5', CHAT.usage({ prompt_tokens: 10, completion_tokens: 5, service_tier })),
      null,
    );
  }
  assert.equal(
    await price('anthropic', 'claude-opus-4-6', MESSAGES.usage({ input_tokens: 1, output_tokens: 1, speed: 'fast' })),
    null,
  );
  const audio = { prompt_tokens: 10, completion_tokens: 5, prompt_tokens_details: { audio_tokens: 5 } };
  assert.equal(await price('openai', 'gpt-4o-audio-preview', CHAT.usage(audio)), null);
});

test('numbers that cannot be are not believed, and have no price', async () => {
  for (const lie of [-1, 1.5, 1e300, '12', true, {}, [3], 2 ** 53, Number.NaN]) {
    const usage = CHAT.usage({ prompt_tokens: lie, completion_tokens: 5 });
    assert.deepEqual([usage.input, usage.output], [undefined, 5], JSON.stringify(lie));
    assert.equal(await price('openai', 'gpt-5', usage), null);
    const cached = CHAT.usage({
      prompt_tokens: 10,
      completion_tokens: 5,
      prompt_tokens_details: { cached_tokens: lie },
    });
    assert.deepEqual([cached.input, cached.cachedInput, await price('openai', 'gpt-5', cached)], [10, undefined, null]);
  }
  const more = MESSAGES.usage({ input_tokens: 1, output_tokens: 5, output_tokens_details: { thinking_tokens: 6 } });
  assert.deepEqual(
    [more.output, more.reasoning, await price('anthropic', 'claude-opus-4-6', more)],
    [5, undefined, null],
  );
});

test('our prices are those of the list', async () => {
  const usage = CHAT.usage({ prompt_tokens: 1_234, completion_tokens: 567 });
  for (const model of ['gpt-4o-mini-2024-07-18', 'gpt-5', 'o3-mini']) {
    const listed = calcPrice({ input_tokens: 1_234, output_tokens: 567 }, model, {
      providerId: 'openai',
      timestamp: AT,
    });
    assert.ok(listed !== null && listed.total_price > 0);
    assert.equal(await price('openai', model, usage), listed.total_price);
  }
});

test('providers by their URLs', async () => {
  for (const [url, id] of [
    ['https://api.openai.com/v1/responses', 'openai'],
    ['https://my-company.openai.azure.com/openai/deployments/x/chat/completions', 'azure'],
    ['https://api.groq.com/openai/v1/chat/completions', 'groq'],
    ['https://generativelanguage.googleapis.com/v1beta/models/gemini-2.5-flash:generateContent', 'google'],
    ['https://bedrock-runtime.us-east-1.amazonaws.com/model/x/converse', 'aws'],
    ['http://127.0.0.1:11434/v1/chat/completions', undefined],
  ] as const) {
    assert.equal(await providerOf(new URL(url)), id, url);
  }
});

test('model calls by their paths, and nothing else', () => {
  const call = (path: string, method = 'POST') => recogniseCall(method, new URL(path, 'http://host'));
  assert.equal(call('/v1/chat/completions')?.api, CHAT);
  assert.equal(call('/openai/deployments/d/chat/completions?api-version=2025-01-01')?.api, CHAT);
  assert.equal(call('/v1/responses')?.api, RESPONSES);
  assert.equal(call('/v1/embeddings/')?.api, EMBEDDINGS);
  assert.equal(call('/v1/audio/speech')?.api, MEDIA);
  assert.equal(call('/v1/messages?beta=true')?.api, MESSAGES);
  assert.deepEqual(call('/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse'), {
    api: GENERATE_CONTENT,
    model: 'gemini-2.5-flash',
  });
  assert.equal(
    call('/v1/projects/p/locations/l/publishers/anthropic/models/claude-x@1:streamRawPredict')?.model,
    'claude-x@1',
  );
  assert.equal(call('/model/us.anthropic.claude-x%3A0/converse')?.model, 'us.anthropic.claude-x:0');
  for (const path of [
    '/v1/models',
    '/v1/messages/count_tokens',
    '/v1/messages/batches',
    '/v1/threads/t/messages',
    '/v1/responses/resp_1/cancel',
    '/v1/responses/input_tokens',
    '/v1beta/models/g:countTokens',
    '/v1/moderations',
  ]) {
    assert.equal(call(path), undefined, path);
  }
  assert.equal(call('/v1/responses', 'GET'), undefined);
});
