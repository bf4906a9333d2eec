import type { ModelApi } from '../api.ts';
import { sum, UsageReader } from '../usage.ts';

/** `POST /model/{id}/converse` of Amazon Bedrock. What its streams say is binary, and is not read. */
export const CONVERSE: ModelApi = {
  maker: 'aws',
  members: new Set(['usage']),
  read(members, reading) {
    reading.sawUsage(members.get('usage'));
  },
  usage(raw) {
    const reader = new UsageReader(raw);
    const fresh = reader.count('inputTokens');
    const cachedInput = reader.count('cacheReadInputTokens');
    const cacheWrite = reader.count('cacheWriteInputTokens');
    return reader.usage({
      input: fresh === undefined ? undefined : sum(fresh, cachedInput, cacheWrite),
      output: reader.count('outputTokens'),
      cachedInput,
      cacheWrite,
    });
  },
};
