import type { ModelApi } from '../api.ts';
import { sum, UsageReader } from '../usage.ts';

const TIERS = new Set(['standard']);
/** US-only inference has another price: https://platform.claude.com/docs/en/about-claude/pricing */
const REGIONS = new Set(['global', 'not_available']);

/**
 * `POST /v1/messages`. A stream begins with the usage of the input (`message_start`), and its `message_delta` has the sums of all;
 * a reply in one piece has all at once.
 */
export const MESSAGES: ModelApi = {
  maker: 'anthropic',
  marksFinal: true,
  members: new Set(['model', 'usage', 'message.model', 'message.usage']),
  read(members, reading) {
    reading.sawModel(members.get('model'));
    reading.sawModel(members.get('message.model'));
    reading.sawUsage(members.get('message.usage'));
    if (reading.sawUsage(members.get('usage'))) reading.isFinal = true;
  },
  usage(raw) {
    const reader = new UsageReader(raw);
    reader.expect('service_tier', TIERS);
    reader.expect('speed', TIERS);
    reader.expect('inference_geo', REGIONS);
    const fresh = reader.count('input_tokens');
    const cachedInput = reader.count('cache_read_input_tokens');
    const cacheWrite = reader.count('cache_creation_input_tokens');
    reader.detail('cache_write_1h_tokens', reader.count('cache_creation', 'ephemeral_1h_input_tokens'));
    reader.detail('web_searches', reader.count('server_tool_use', 'web_search_requests'));
    return reader.usage({
      input: fresh === undefined ? undefined : sum(fresh, cachedInput, cacheWrite),
      output: reader.count('output_tokens'),
      cachedInput,
      cacheWrite,
      reasoning: reader.count('output_tokens_details', 'thinking_tokens'),
    });
  },
};
