import { existsSync } from 'node:fs';
import { extname, join } from 'node:path';
import { isSea } from 'node:sea';
import type { AgentSpec } from '../../../deploy/agent-spec.ts';
import type { Environment } from '../../../environment.ts';
import { findProgram, isProgram } from '../program.ts';

export interface StartOptions {
  /** That of the agent's file: an entrypoint is told from there. */
  readonly folder: string;
  readonly env: Environment;
}

/** The program that starts an agent, with its arguments, or why nobody can tell. */
export type StartCommand = { readonly command: readonly string[] } | { readonly fault: string };

/** What starts an agent, by `runtime.entrypoint`: a command, a script, or a module of Python's. */
export function startCommand({ runtime }: Pick<AgentSpec, 'runtime'>, options: StartOptions): StartCommand {
  const { entrypoint, language } = runtime ?? {};
  if (entrypoint === undefined) return { fault: 'it does not say how the agent starts (runtime.entrypoint)' };
  const words = wordsOf(entrypoint);
  if (words === undefined) return { fault: 'runtime.entrypoint has a quotation mark without its pair' };
  const [first = '', ...rest] = words;
  const interpreter = interpreterOf(first, options);
  if (interpreter !== undefined) {
    if (existsSync(join(options.folder, first))) return { command: [...interpreter, first, ...rest] };
    return { fault: `runtime.entrypoint: there is no ${first} beside it` };
  }
  if (isProgram(join(options.folder, first))) return { command: [`./${first}`, ...rest] };
  if (words.length > 1 || first.startsWith('/')) return { command: words };
  if (isPython(language) && /^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*$/.test(first)) {
    return { command: [python(options), '-m', first] };
  }
  if (findProgram(first, options.env) !== undefined) return { command: [first] };
  return { fault: `nobody can tell how to start what runtime.entrypoint names, ${first}` };
}

function interpreterOf(file: string, options: StartOptions): readonly string[] | undefined {
  switch (extname(file).toLowerCase()) {
    case '.py':
      return [python(options)];
    case '.js':
    case '.mjs':
    case '.cjs':
    case '.ts':
    case '.mts':
    case '.cts':
      // The one that runs us is new enough to run TypeScript; a single executable is none.
      return [isSea() ? 'node' : process.execPath];
    case '.sh':
      return ['sh'];
    case '.rb':
      return ['ruby'];
    case '.go':
      return ['go', 'run'];
    case '.jar':
      return ['java', '-jar'];
    default:
      return undefined;
  }
}

function isPython(language: string | undefined): boolean {
  return /^python\d*(\.\d+)*$/i.test(language ?? '');
}

/** That of a virtual environment beside the agent's file, or of one that is active, or the system's. */
function python({ folder, env }: StartOptions): string {
  const beside = ['.venv/bin/python', 'venv/bin/python'].map((path) => join(folder, path)).find(isProgram);
  if (beside !== undefined) return beside;
  if (env['VIRTUAL_ENV']) return 'python';
  return findProgram('python3', env) === undefined ? 'python' : 'python3';
}

/**
 * Words as a shell has them, with both kinds of quotation marks and the backslash, and nothing else of a shell. Undefined where
 * a quotation mark has no pair.
 */
function wordsOf(text: string): string[] | undefined {
  const words: string[] = [];
  let word: string | undefined;
  let quote = '';
  for (let at = 0; at < text.length; at++) {
    const char = text[at] ?? '';
    if (quote === '' && /\s/.test(char)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else if (char === quote) quote = '';
    else if (quote === '' && (char === '"' || char === "'")) {
      quote = char;
      word ??= '';
    } else if (char === '\\' && quote !== "'" && at + 1 < text.length) word = (word ?? '') + (text[++at] ?? '');
    else word = (word ?? '') + char;
  }
  if (word !== undefined) words.push(word);
  return quote === '' ? words : undefined;
}
