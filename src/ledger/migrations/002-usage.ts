/**
 * What of the tokens was cached and what was reasoning, and whether the numbers are all of them. Null in rows from before, and in
 * events that do not say it.
 */
export const USAGE = `
ALTER TABLE costs ADD COLUMN cached_input_tokens INTEGER CHECK (cached_input_tokens >= 0);
ALTER TABLE costs ADD COLUMN cache_write_tokens INTEGER CHECK (cache_write_tokens >= 0);
ALTER TABLE costs ADD COLUMN reasoning_tokens INTEGER CHECK (reasoning_tokens >= 0);
ALTER TABLE costs ADD COLUMN usage TEXT CHECK (usage IN ('complete', 'partial', 'unknown'));
`;
