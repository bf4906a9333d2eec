import { type BuiltIn, CATALOGUE } from './catalogue.ts';
import { CONTENT_SETS } from './content-sets.ts';
import type { Detector } from './detector.ts';
import { DetectorFollower } from './detector-follower.ts';
import { Keywords, parseKeywords } from './keyword.ts';
import { lookalikes } from './lookalikes.ts';
import { compileExpression, type Expression, quoted } from './regex.ts';
import {
  type Action,
  type OwnRule,
  type PresetRule,
  type Rule,
  type RuleConfig,
  RuleError,
  type RuleFault,
  type RuleOptions,
  SURFACES,
  type Surface,
} from './rule.ts';
import { defaultScreens, extendedScreens, type Screens } from './screens.ts';
import { type KeyedHash, replacer } from './style.ts';

/** A set of rules ready to inspect with. Holds no state of any inspection. */
export interface Engine extends Screens {
  /** In the order in which they run: the built-in ones, then the operator's. */
  readonly rules: readonly Rule[];
  /** Whether there is more than the built-in rules that are on by default, as they are by default. */
  readonly isExtended: boolean;
  /** Whether a rule is limited to some JSON paths. */
  readonly hasPaths: boolean;
  /** Whether a rule knows more of a value by its JSON key. */
  readonly hasHints: boolean;
  /** How much work a character of a text may be, with 1 for an ordinary rule; large expressions weigh as several. */
  readonly weight: number;
  /** Length of the shortest text in which a rule may find something. */
  readonly shortest: number;
}

/** The same rules, one engine for each surface, with those that are applied there. */
export interface Engines {
  /** Of all surfaces. */
  readonly rules: readonly Rule[];
  readonly for: (surface: Surface) => Engine;
}

export interface EngineOptions {
  /** Needed by rules with `style: hash`. */
  readonly hash?: KeyedHash | undefined;
}

/** `a@b.io`. All others that the default rules find are longer. */
const SHORTEST_EMAIL = 6;

/**
 * Makes the engines of what is configured: the built-in rules that are on, in the order of the catalogue, then the operator's,
 * in their order. Throws a `RuleError` that lists every rule that cannot be used.
 */
export function createEngines(configs: readonly RuleConfig[] = [], options: EngineOptions = {}): Engines {
  const made = makeRules(configs, options);
  const engines = new Map<string, Engine>();
  const engineFor = (surface: Surface): Engine => {
    const rules = made.rules.filter(({ on }) => on.includes(surface));
    const key = rules.map(({ index }) => index).join();
    const known = engines.get(key) ?? engineOf(rules, made);
    engines.set(key, known);
    return known;
  };
  const all = new Map(SURFACES.map((surface) => [surface, engineFor(surface)]));
  // Every surface has one.
  return { rules: made.rules, for: (surface) => all.get(surface) as Engine };
}

/** One engine with all rules, wherever they are applied. Throws a `RuleError`. */
export function createEngine(configs: readonly RuleConfig[] = [], options: EngineOptions = {}): Engine {
  const made = makeRules(configs, options);
  return engineOf(made.rules, made);
}

interface Made {
  readonly rules: Rule[];
  readonly builtIns: Map<Rule, BuiltIn>;
  readonly expressions: Map<Rule, Expression>;
  readonly wordLists: Map<Rule, readonly string[]>;
  readonly faults: RuleFault[];
}

function makeRules(configs: readonly RuleConfig[], options: EngineOptions): Made {
  // Made on first use, which must not be a call's.
  lookalikes();
  const made: Made = { rules: [], builtIns: new Map(), expressions: new Map(), wordLists: new Map(), faults: [] };
  addBuiltIns(made, configs, options);
  for (const [place, config] of configs.entries()) {
    if (config.type === 'builtin' || (config.type === 'preset' && config.name !== 'content_filter')) continue;
    try {
      if (config.type === 'preset') addContentFilter(made, config, options);
      else addOwn(made, config, options);
    } catch (error) {
      const problem = error instanceof Error ? error.message : 'unusable pattern';
      made.faults.push({ index: place, rule: config.name, problem });
    }
  }
  if (made.faults.length > 0) throw new RuleError(made.faults);
  return made;
}

/** What the configuration says of a built-in rule; later entries win, for what they say. */
interface BuiltInState {
  isOn: boolean;
  options: Partial<RuleOptions>;
}

function addBuiltIns(made: Made, configs: readonly RuleConfig[], { hash }: EngineOptions): void {
  const states = new Map<BuiltIn, BuiltInState>(
    CATALOGUE.map((builtIn) => [builtIn, { isOn: builtIn.onByDefault, options: {} }]),
  );
  for (const [index, config] of configs.entries()) {
    if (config.type !== 'builtin' && config.type !== 'preset') continue;
    if (config.type === 'preset' && config.name === 'content_filter') continue;
    const meant = CATALOGUE.filter(({ name, group }) =>
      config.type === 'builtin' ? name === config.name : (group === 'pii') === (config.name === 'pii_detection'),
    );
    if (meant.length === 0)
      made.faults.push({ index, rule: config.name, problem: 'there is no built-in rule of this name' });
    for (const builtIn of meant) {
      const state = states.get(builtIn);
      if (state === undefined) continue;
      state.isOn = config.type === 'preset' || config.enabled;
      state.options = { ...state.options, ...said(config) };
    }
  }
  for (const [builtIn, { isOn, options }] of states) {
    if (!isOn) continue;
    const { name, detector } = builtIn;
    const rule: Rule = {
      ...common(made, name, { action: 'redact', ...options }, builtIn.replace, hash),
      kind: 'builtin',
      ...ways(detector),
    };
    const { hinted } = detector;
    if (hinted !== undefined) {
      Object.assign(rule, { hinted: { key: hinted.key, rule: { ...rule, ...ways(hinted.detector), base: rule } } });
    }
    made.rules.push(rule);
    made.builtIns.set(rule, builtIn);
    detector.warmUp?.();
  }
}

function ways(detector: Detector): Pick<Rule, 'find' | 'findIn' | 'follow'> {
  return { find: detector.find, findIn: detector.findIn, follow: () => new DetectorFollower(detector) };
}

/** The options that are there. */
function said({ action, replace, style, on, paths, skip_paths }: Partial<RuleOptions>): Partial<RuleOptions> {
  const all = { action, replace, style, on, paths, skip_paths };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}

function common(made: Made, name: string, options: RuleOptions, replace: string, hash: KeyedHash | undefined) {
  const { action, style = 'replace', on = SURFACES, paths, skip_paths: skipPaths } = options;
  const text = options.replace ?? replace;
  return {
    index: made.rules.length,
    name,
    action,
    style,
    on,
    paths,
    skipPaths,
    replace: replacer({ name, style, text }, hash),
  };
}

function addOwn(made: Made, config: OwnRule, { hash }: EngineOptions): void {
  const base = common(made, config.name, config, '[REDACTED]', hash);
  if (config.type === 'regex') {
    addExpression(made, base, config.pattern);
    return;
  }
  const list = parseKeywords(config.pattern);
  if (list.length === 0) throw new Error('no keyword in the pattern');
  const keywords = new Keywords(list);
  const { find, findIn } = keywords;
  const rule: Rule = { ...base, kind: 'keyword', find, findIn, follow: () => keywords.follow() };
  made.wordLists.set(rule, list);
  made.rules.push(rule);
}

function addExpression(made: Made, base: ReturnType<typeof common>, pattern: string): void {
  const expression = compileExpression(pattern);
  const rule: Rule = {
    ...base,
    kind: 'regex',
    find: expression.find,
    findInSteps: expression.findInSteps,
    follow: expression.follow,
  };
  made.expressions.set(rule, expression);
  made.rules.push(rule);
}

/** One rule for each word list, and one for the operator's own words; all block unless told otherwise. */
function addContentFilter(made: Made, config: PresetRule, { hash }: EngineOptions): void {
  const action: Action = config.action ?? 'block';
  const own = parseKeywords(config.keywords ?? '');
  const sets = { ...CONTENT_SETS, ...(own.length > 0 && { content_filter: own }) };
  for (const [name, words] of Object.entries(sets)) {
    addExpression(made, common(made, name, { ...config, action }, '[REDACTED]', hash), wholeWords(words));
  }
}

/** An expression that finds the words where no letter, digit or underscore stands beside them. */
function wholeWords(words: readonly string[]): string {
  const alternatives = words.map((word) => {
    const spaced = quoted(word).replace(/\s+/g, '\\s+');
    return `${/^\w/.test(word) ? '\\b' : ''}${spaced}${/\w$/.test(word) ? '\\b' : ''}`;
  });
  return `(?i)(?:${alternatives.join('|')})`;
}

function engineOf(rules: readonly Rule[], { builtIns, expressions, wordLists }: Made): Engine {
  const isExtended = !isDefault(rules, builtIns);
  return {
    rules,
    isExtended,
    hasPaths: rules.some(({ paths, skipPaths }) => paths !== undefined || skipPaths !== undefined),
    hasHints: rules.some(({ hinted }) => hinted !== undefined),
    weight: rules.reduce((sum, rule) => sum + 1 + (expressions.get(rule)?.program.op.length ?? 0) / INSTRUCTIONS, 0),
    shortest: isExtended ? 1 : SHORTEST_EMAIL,
    ...(isExtended ? extendedScreens(rules, builtIns, expressions, wordLists) : defaultScreens(rules)),
  };
}

/** Of an expression, that weigh as much as a rule. */
const INSTRUCTIONS = 32;

function isDefault(rules: readonly Rule[], builtIns: Made['builtIns']): boolean {
  return rules.every(
    (rule) =>
      builtIns.get(rule)?.onByDefault === true &&
      rule.action === 'redact' &&
      rule.paths === undefined &&
      rule.skipPaths === undefined,
  );
}
