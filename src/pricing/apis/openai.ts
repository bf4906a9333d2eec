import type { ModelApi } from '../api.ts';
import { type TokenUsage, UsageReader } from '../usage.ts';

/** Tiers that have the listed price: https://developers.openai.com/api/docs/guides/priority-processing */
const LISTED = new Set(['default', 'standard', 'auto', 'on_demand']);

/**
 * `POST …/chat/completions` and `…/completions`, of OpenAI and of those made after it. Some of these count reasoning beside the
 * output, and only the total tells.
 */
export const CHAT: ModelApi = {
  maker: 'openai',
  members: new Set(['model', 'usage', 'service_tier', 'error']),
  usageOnRequest: true,
  read(members, reading) {
    reading.sawModel(members.get('model'));
    reading.sawError(members.get('error'));
    if (reading.sawUsage(members.get('usage'))) reading.sawUsage({ service_tier: members.get('service_tier') ?? null });
  },
  usage(raw) {
    const reader = new UsageReader(raw);
    const input = reader.count('prompt_tokens');
    let output = reader.count('completion_tokens');
    const total = reader.count('total_tokens');
    if (input !== undefined && output !== undefined && total !== undefined) output = Math.max(output, total - input);
    reader.expect('service_tier', LISTED);
    reader.detail('input_audio_tokens', reader.count('prompt_tokens_details', 'audio_tokens'));
    reader.detail('output_audio_tokens', reader.count('completion_tokens_details', 'audio_tokens'));
    return reader.usage({
      input,
      output,
      cachedInput: reader.count('prompt_tokens_details', 'cached_tokens') ?? reader.count('prompt_cache_hit_tokens'),
      cacheWrite: reader.count('prompt_tokens_details', 'cache_write_tokens'),
      reasoning: reader.count('completion_tokens_details', 'reasoning_tokens'),
    });
  },
};

/** `POST …/responses`. Only events that end a response have its usage. */
export const RESPONSES: ModelApi = {
  maker: 'openai',
  members: new Set([
    'model',
    'usage',
    'service_tier',
    'tool_usage',
    'response.model',
    'response.usage',
    'response.service_tier',
    'response.tool_usage',
  ]),
  marksFinal: true,
  read(members, reading) {
    for (const at of ['', 'response.']) {
      reading.sawModel(members.get(`${at}model`));
      if (!reading.sawUsage(members.get(`${at}usage`))) continue;
      reading.sawUsage({
        service_tier: members.get(`${at}service_tier`) ?? null,
        tool_usage: members.get(`${at}tool_usage`) ?? null,
      });
      reading.isFinal = true;
    }
  },
  usage(raw) {
    const reader = new UsageReader(raw);
    reader.expect('service_tier', LISTED);
    reader.detail('web_searches', reader.count('tool_usage', 'web_search', 'num_requests'));
    const usage = reader.usage({
      input: reader.count('input_tokens'),
      output: reader.count('output_tokens'),
      cachedInput: reader.count('input_tokens_details', 'cached_tokens'),
      cacheWrite: reader.count('input_tokens_details', 'cache_write_tokens'),
      reasoning: reader.count('output_tokens_details', 'reasoning_tokens'),
    });
    // Images are made by another model, which the reply does not name.
    const images = reader.count('tool_usage', 'image_gen', 'total_tokens') ?? 0;
    return images > 0 ? { ...usage, unpriceable: true } : usage;
  },
};

/** `POST …/embeddings`: there is no output. */
export const EMBEDDINGS: ModelApi = {
  maker: 'openai',
  members: new Set(['model', 'usage']),
  read(members, reading) {
    reading.sawModel(members.get('model'));
    reading.sawUsage(members.get('usage'));
  },
  usage(raw) {
    const reader = new UsageReader(raw);
    return reader.usage({ input: reader.count('prompt_tokens') ?? reader.count('total_tokens'), output: 0 });
  },
};

/** `POST …/images/…` and `…/audio/…`: the models that count in tokens say them, the others nothing. */
export const MEDIA: ModelApi = {
  maker: 'openai',
  members: new Set(['model', 'usage']),
  anyMedia: true,
  read(members, reading) {
    reading.sawModel(members.get('model'));
    reading.sawUsage(members.get('usage'));
  },
  usage(raw): TokenUsage {
    const reader = new UsageReader(raw);
    reader.detail('input_image_tokens', reader.count('input_tokens_details', 'image_tokens'));
    reader.detail('output_image_tokens', reader.count('output_tokens_details', 'image_tokens'));
    reader.detail('input_audio_tokens', reader.count('input_token_details', 'audio_tokens'));
    return reader.usage({ input: reader.count('input_tokens'), output: reader.count('output_tokens') });
  },
};
