import type { ModelApi } from '../api.ts';
import { sum, type TokenUsage, UsageReader } from '../usage.ts';

const LISTED = new Set(['on_demand', 'traffic_type_unspecified']);

/** What has a price of its own in some models, and under which name. A document costs as an image. */
const PRICED_APART: Readonly<Record<string, string>> = {
  audio: 'audio',
  image: 'image',
  document: 'image',
  video: 'video',
};

/**
 * `…:generateContent`, `…:streamGenerateContent`, `…:embedContent`: the Gemini API and Vertex AI. Thoughts and the results of tools
 * are counted beside candidates and prompt. Zeros are left out.
 */
export const GENERATE_CONTENT: ModelApi = {
  maker: 'google',
  members: new Set(['modelVersion', 'usageMetadata', 'error']),
  read(members, reading) {
    reading.sawModel(members.get('modelVersion'));
    reading.sawError(members.get('error'));
    reading.sawUsage(members.get('usageMetadata'));
  },
  usage(raw): TokenUsage {
    const reader = new UsageReader(raw);
    reader.expect('trafficType', LISTED);
    const prompt = reader.count('promptTokenCount');
    const reasoning = reader.count('thoughtsTokenCount');
    const candidates = reader.count('candidatesTokenCount');
    const tools = reader.count('toolUsePromptTokenCount');
    const apart = (list: string, prefix: string, suffix = '_tokens'): void =>
      reader.modalities(list, (modality, count) => {
        const name = PRICED_APART[modality];
        if (name !== undefined) reader.detail(`${prefix}${name}${suffix}`, count);
      });
    apart('promptTokensDetails', 'input_');
    apart('toolUsePromptTokensDetails', 'input_');
    apart('candidatesTokensDetails', 'output_');
    apart('cacheTokensDetails', 'cache_', '_read_tokens');
    return reader.usage({
      input: prompt === undefined ? undefined : sum(prompt, tools),
      output: candidates === undefined && reader.has('candidatesTokenCount') ? undefined : sum(candidates, reasoning),
      cachedInput: reader.count('cachedContentTokenCount'),
      reasoning,
    });
  },
};

/** `POST …/interactions` of the Gemini API. Whether its output counts thoughts is left to the total to say. */
export const INTERACTIONS: ModelApi = {
  maker: 'google',
  members: new Set(['model', 'usage', 'interaction.model', 'interaction.usage']),
  read(members, reading) {
    for (const at of ['', 'interaction.']) {
      reading.sawModel(members.get(`${at}model`));
      reading.sawUsage(members.get(`${at}usage`));
    }
  },
  usage(raw): TokenUsage {
    const reader = new UsageReader(raw);
    const prompt = reader.count('total_input_tokens');
    const input = prompt === undefined ? undefined : sum(prompt, reader.count('total_tool_use_tokens'));
    const said = reader.count('total_output_tokens');
    const total = reader.count('total_tokens');
    const reasoning = reader.count('total_thought_tokens');
    const rest = total === undefined || input === undefined ? sum(said, reasoning) : total - input;
    return reader.usage({
      input,
      output: said === undefined ? undefined : Math.max(said, rest),
      cachedInput: reader.count('total_cached_tokens'),
      reasoning,
    });
  },
};
