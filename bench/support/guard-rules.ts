/** Rules as operators write them, for measuring: all different, and none finds anything in the bodies of the benchmark. */
import type { OwnRule } from '../../src/guardrails/rule.ts';

const EXPRESSIONS: readonly string[] = [
  '\\b[A-CEGHJ-PR-TW-Z]{2}\\d{6}[A-D]\\b',
  '\\b[ABCEGHJKLMNPRSTVXY]\\d[A-Z] \\d[A-Z]\\d\\b',
  '(?i)\\bpassport\\s*(no|number)?[:#]?\\s*[A-Z]{1,2}\\d{7}\\b',
  '(?i)password\\s*[:=]\\s*\\S{6,}',
  '(?i)\\b(api|access|secret)[_-]?key\\s*[:=]\\s*[\'"]?[A-Za-z0-9/+]{20,}',
  '\\bEMP-\\d{5,6}\\b',
  '\\bMRN[:# ]*\\d{7,10}\\b',
  '\\b[A-TV-Z]\\d{2}\\.\\d{1,4}\\b',
  '\\b(?:[0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2}\\b',
  '\\barn:aws:[a-z0-9-]+:[a-z0-9-]*:\\d{12}:\\S+',
  'jdbc:[a-z]+://[^\\s;]+',
  '(?i)\\b(mongodb(\\+srv)?|postgres(ql)?|mysql|redis)://[^:\\s]+:[^@\\s]+@\\S+',
  '\\b0x[a-fA-F0-9]{40}\\b',
  '\\b[13][a-km-zA-HJ-NP-Z1-9]{25,34}\\b',
  '\\bbc1[a-z0-9]{39,59}\\b',
  '\\b[A-HJ-NPR-Z0-9]{3}VIN[A-HJ-NPR-Z0-9]{11}\\b',
  '(?i)\\bconfidential\\b.{0,40}\\bdo not (forward|distribute)\\b',
  '(?i)internal use only',
  '(?i)\\battorney[- ]client\\b',
  '(?i)\\bnot for (public )?release\\b',
  '(?i)\\bembargo(ed)? until\\b',
  '\\b[a-z0-9-]+\\.corp\\.acme\\.internal\\b',
  '\\b(?:prod|stage)-db-\\d{2,3}\\b',
  '(?i)BEGIN (RSA|OPENSSH) KEYFILE',
  '\\bxkey-[0-9a-f]{32}\\b',
  '\\btok_[A-Za-z0-9]{24}\\b',
  '(?i)authorization:\\s*basic\\s+[A-Za-z0-9+/=]{8,}',
  '(?i)set-cookie:\\s*\\w+=[^;]{16,}',
  '<script[^>]*>',
  '(?i)(union\\s+select|drop\\s+table|;\\s*shutdown)',
  '(?i)ignore (all )?(previous|prior) (instructions|rules)',
  '(?i)you are now in developer mode',
  '\\.\\./\\.\\./',
  '/etc/(passwd|shadow)',
  '(?i)\\bsalary\\s*[:=]?\\s*[$€£]\\s?\\d',
  '(?i)\\bdate of birth\\s*:\\s*\\S+',
  '(?i)\\bmaiden name\\b',
  '(?i)\\bdriver.?s licen[cs]e\\b',
  '(?i)\\bblood type\\s*(A|B|AB|O)[+-]',
  '\\p{Cyrillic}{12,}',
];

const CODENAMES = 'falcon,heron,osprey,kestrel,merlin,condor,harrier,goshawk,buzzard,shrike'.split(',');
const CUSTOMERS = 'ACM,GLX,INI,UMB,NWD,CTS,FBK,GRF,BLR,TCM,WAY,STK,OSC,CYB,TYR,WEY,SOY,VIR,HOO,DUN'.split(',');
const PLACES =
  'ber,par,lon,nyc,sfo,sin,tok,syd,dub,fra,ams,mad,mil,war,osl,hel,vie,zur,lis,ath,bru,cop,pra,bud,buc,sof,tal,rig,vil,lju'.split(
    ',',
  );

function rule(pattern: string, place: number): OwnRule {
  return {
    name: `expression-${place}`,
    type: 'regex',
    pattern,
    action: place % 5 === 4 ? 'warn' : 'redact',
    replace: '[X]',
  };
}

/** A hundred expressions in RE2 syntax. */
export const REGEX_RULES: readonly OwnRule[] = [
  ...EXPRESSIONS,
  ...CODENAMES.map((name) => `(?i)\\b(project|operation)[ _-]?${name}\\b`),
  ...CUSTOMERS.map((name) => `\\b${name}-\\d{4}-[A-Z]{2,5}\\b`),
  ...PLACES.map((name) => `\\b${name}\\d-(web|app|db)-\\d{3}\\.lan\\b`),
].map(rule);

const SYLLABLES = [
  'zor',
  'vax',
  'quim',
  'blet',
  'crin',
  'drup',
  'fosk',
  'glym',
  'hept',
  'jarn',
  'klev',
  'mirz',
  'nox',
  'prax',
  'skel',
  'trub',
  'wyrm',
];

/** 5,000 words of three syllables, none of them in any language. */
export const KEYWORD_RULE: OwnRule = {
  name: 'words',
  type: 'keyword',
  pattern: Array.from({ length: 5000 }, (_, i) =>
    [i % 17, Math.floor(i / 17) % 17, Math.floor(i / 289) % 18].map((k) => SYLLABLES[k] ?? 'ulm').join(''),
  ).join(','),
  action: 'redact',
  replace: '[X]',
};
