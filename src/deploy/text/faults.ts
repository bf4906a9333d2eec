import type { YAMLError } from 'yaml';

const MESSAGES: Partial<Record<YAMLError['code'], string>> = {
  BAD_ALIAS: 'an alias needs a name',
  BAD_DIRECTIVE: 'a directive that YAML does not know',
  BAD_DQ_ESCAPE: 'an escape sequence that YAML does not know; single quotes take backslashes as they are',
  BAD_INDENT: 'wrong indentation',
  BAD_SCALAR_START: 'a value that starts with this character needs quotes',
  BLOCK_AS_IMPLICIT_KEY: 'a mapping cannot start here: a value that holds ": " needs quotes',
  BLOCK_IN_FLOW: 'between brackets or braces, nothing can stand on lines of its own',
  MISSING_CHAR: 'a closing quote, bracket, brace or colon is missing',
  MULTILINE_IMPLICIT_KEY: 'a key must stand on one line, with ":" after it',
  MULTIPLE_ANCHORS: 'one value cannot have two anchors',
  MULTIPLE_TAGS: 'one value cannot have two tags',
  RESOURCE_EXHAUSTION: 'nested too deeply',
  TAB_AS_INDENT: 'tabs cannot indent',
  TAG_RESOLVE_FAILED: 'a tag that does not fit its value',
  UNEXPECTED_TOKEN: 'nothing can stand here: a bracket, comma or quote too many, or missing before',
};

/** By code, since the parser's own messages quote the text, which may be a secret. */
export function explain(problem: YAMLError): string {
  return `invalid YAML: ${MESSAGES[problem.code] ?? problem.code.toLowerCase().replaceAll('_', ' ')}`;
}
