/** Flags that `az containerapp show`, `update` and `create` all take, and that change nothing of what they print. */
const OF_EVERY_CALL = new Set([
  '-g',
  '--resource-group',
  '--subscription',
  '--debug',
  '--verbose',
  '--only-show-errors',
]);
/** An app never changes its environment: `update` does not know the flag. */
const OF_CREATE_ALONE = new Set(['--environment']);

/** Of words for az (`--flag value`, `--flag=value`, `-gvalue`), those that `call` takes: az refuses what it does not know. */
export function wordsFor(call: 'show' | 'update' | 'create', words: readonly string[]): readonly string[] {
  let takes = call !== 'show';
  return words.filter((word) => {
    // What is no flag is a value of the one before it.
    if (word.startsWith('-')) takes = isTakenBy(call, flagOf(word));
    return takes;
  });
}

/** Whether the words give a value to one of these flags. */
export function hasFlag(words: readonly string[], ...flags: readonly string[]): boolean {
  return words.some((word) => word.startsWith('-') && flags.includes(flagOf(word)));
}

function isTakenBy(call: 'show' | 'update' | 'create', flag: string): boolean {
  if (call === 'create') return true;
  return call === 'update' ? !OF_CREATE_ALONE.has(flag) : OF_EVERY_CALL.has(flag);
}

function flagOf(word: string): string {
  return word.startsWith('--') ? (word.split('=', 1)[0] ?? word) : word.slice(0, 2);
}
