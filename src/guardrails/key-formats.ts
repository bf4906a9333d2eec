import { ALNUM, BASE64_PADDED, DOTTED, HEX, isMixed, isVaried, type KeyFormat, TOKEN, UPPER } from './key-format.ts';
import { DIGITS, unitSet } from './unit-set.ts';

/** Formats with a marker at their beginning, a number of characters after it (or the least and the most), and all else alike. */
function keys(
  markers: string,
  set: KeyFormat['set'],
  least: number,
  most = least,
  check?: KeyFormat['check'],
): KeyFormat[] {
  return markers.split(' ').map((marker) => ({ marker, set, least, most, ...(check && { check }) }));
}

const AZURE_SECRET = unitSet('A-Za-z0-9_~.-');
const ESCAPED_BASE64 = unitSet('A-Za-z0-9+/=%');
const PATH = unitSet('A-Za-z0-9/');

function matches(pattern: RegExp): (rest: string) => boolean {
  return (rest) => pattern.test(rest) && isMixed(rest);
}

/**
 * The key formats of each rule, as their makers document them or keep them fixed so that scanners know them. Lengths leave
 * room where makers have changed them before.
 */
export const KEY_FORMATS = {
  /** Access key ids, of users and temporary, and keys of Bedrock. Secret access keys have no marker: aws-secret.ts. */
  aws_key: [...keys('AKIA ASIA ABIA ACCA', UPPER, 16), ...keys('ABSK', BASE64_PADDED, 100, 300, isMixed)],
  /** API keys; OAuth client secrets, access tokens and refresh tokens. Keys of service accounts are private keys. */
  google_key: [
    ...keys('AIza', TOKEN, 35),
    ...keys('GOCSPX-', TOKEN, 28),
    ...keys('ya29.', TOKEN, 20, 2048, isMixed),
    ...keys('1//0', TOKEN, 40, 200, isMixed),
  ],
  /** Of storage accounts and service buses in connection strings, shared access signatures, client secrets, and what is newer. */
  azure_key: [
    ...keys('AccountKey= accountkey=', BASE64_PADDED, 86, 90, isMixed),
    ...keys('SharedAccessKey=', BASE64_PADDED, 43, 90, isMixed),
    ...keys('sig=', ESCAPED_BASE64, 43, 100, matches(/(?:=|%3d)$/i)),
    { marker: 'Q~', head: { set: AZURE_SECRET, least: 4, most: 4 }, set: AZURE_SECRET, least: 31, most: 34 },
    { marker: 'JQQJ99', head: { set: ALNUM, least: 52, most: 52 }, set: ALNUM, least: 26, most: 28 },
  ],
  openai_key: [
    ...keys('sk-proj- sk-svcacct- sk-admin- sk-None-', TOKEN, 36, 250, isMixed),
    ...keys('sk-', ALNUM, 20, 64, isMixed),
  ],
  anthropic_key: keys('sk-ant-', TOKEN, 24, 250, isVaried),
  huggingface_token: [...keys('hf_', ALNUM, 30, 40), ...keys('api_org_', ALNUM, 30, 40)],
  stripe_key: [
    ...keys('sk_live_ sk_test_ rk_live_ rk_test_', ALNUM, 16, 250),
    ...keys('whsec_', BASE64_PADDED, 24, 80, isVaried),
  ],
  github_token: [
    ...keys('ghp_ gho_ ghu_ ghs_ ghr_', ALNUM, 36, 255),
    ...keys('github_pat_', unitSet('A-Za-z0-9_'), 60, 255),
  ],
  gitlab_token: [
    ...keys('glpat-', DOTTED, 20, 320, isVaried),
    ...keys('gldt- glrt- glft- glcbt- glsoat- glagent- glimt- gloas- glffct-', DOTTED, 20, 320, isVaried),
    ...keys('glptt-', HEX, 40),
    ...keys('GR1348941', TOKEN, 20),
  ],
  slack_token: [
    ...keys('xoxb- xoxp- xoxa- xoxo- xoxr- xoxs- xoxc- xoxe- xoxe.xoxp- xoxe.xoxb-', TOKEN, 16, 300, isMixed),
    ...keys('xoxd-', ESCAPED_BASE64, 40, 400, isMixed),
    ...keys('xapp-', TOKEN, 20, 300, isMixed),
    ...keys('hooks.slack.com/services/', PATH, 30, 80, isMixed),
    ...keys('hooks.slack.com/workflows/ hooks.slack.com/triggers/', PATH, 30, 120, isMixed),
  ],
  npm_token: keys('npm_', ALNUM, 36),
  pypi_token: keys('pypi-AgEI pypi-AgEN', TOKEN, 50, 1000, isMixed),
  sendgrid_key: keys('SG.', DOTTED, 50, 80, matches(/^[\w-]{16,32}\.[\w-]{32,64}$/)),
  twilio_key: keys('SK', HEX, 32, 32, isMixed),
  square_token: [...keys('EAAA', TOKEN, 56, 64, isMixed), ...keys('sq0atp-', TOKEN, 22), ...keys('sq0csp-', TOKEN, 43)],
  shopify_token: keys('shpat_ shpca_ shppa_ shpss_', unitSet('0-9A-Fa-f'), 32),
  digitalocean_token: keys('dop_v1_ doo_v1_ dor_v1_', HEX, 64),
  telegram_token: [
    { marker: ':AA', head: { set: DIGITS, least: 8, most: 10 }, set: TOKEN, least: 33, most: 33, check: isMixed },
  ],
  /** All others whose keys have a marker of their own. */
  api_key: [
    // Models and what is around them.
    ...keys('gsk_', ALNUM, 40, 64, isMixed),
    ...keys('r8_', ALNUM, 36, 40, isMixed),
    ...keys('xai-', ALNUM, 60, 100, isMixed),
    ...keys('sk-or-v1-', HEX, 64),
    ...keys('pplx-', ALNUM, 40, 64, isMixed),
    ...keys('csk-', ALNUM, 40, 64, isMixed),
    ...keys('nvapi-', TOKEN, 60, 72, isMixed),
    ...keys('tvly-', TOKEN, 28, 64, isVaried),
    ...keys('lsv2_pt_ lsv2_sk_', unitSet('0-9a-f_'), 43, 43),
    ...keys('pcsk_', unitSet('A-Za-z0-9_'), 50, 90, isMixed),
    ...keys('jina_', TOKEN, 55, 70, isMixed),
    // Clouds and code.
    ...keys('dapi', unitSet('0-9a-f-'), 32, 34, isMixed),
    ...keys('hvs. hvb. hvr.', TOKEN, 24, 300, isVaried),
    {
      marker: '.atlasv1.',
      head: { set: ALNUM, least: 14, most: 14 },
      set: unitSet('A-Za-z0-9_=-'),
      least: 60,
      most: 70,
    },
    ...keys('HRKU-', TOKEN, 36, 64, isMixed),
    ...keys('LTAI', ALNUM, 16, 26, isMixed),
    ...keys('AKID', ALNUM, 32, 36, isMixed),
    ...keys('ATBB', ALNUM, 28, 40, isMixed),
    ...keys('ATATT3 ATCTT3', unitSet('A-Za-z0-9_=-'), 150, 250, isMixed),
    ...keys('dckr_pat_ dckr_oat_', TOKEN, 27, 40),
    ...keys('rubygems_', HEX, 48),
    ...keys('sbp_', HEX, 40),
    ...keys('sb_secret_', TOKEN, 22, 50, isVaried),
    ...keys('pscale_tkn_ pscale_pw_', DOTTED, 32, 64, isVaried),
    ...keys('nfp_', ALNUM, 36, 40, isMixed),
    ...keys('glsa_', unitSet('A-Za-z0-9_'), 41, 41, isMixed),
    ...keys('glc_', BASE64_PADDED, 32, 400, isMixed),
    ...keys('sntrys_ sntryu_', unitSet('A-Za-z0-9_=+/'), 60, 300, isMixed),
    ...keys('NRAK-', UPPER, 27),
    ...keys('PMAK-', unitSet('0-9a-f-'), 59),
    ...keys('dp.pt. dp.st. dp.sa.', DOTTED, 40, 60, isMixed),
    ...keys('AGE-SECRET-KEY-1', UPPER, 58),
    ...keys('lin_api_', ALNUM, 40),
    ...keys('ntn_', ALNUM, 40, 50, isMixed),
    ...keys('figd_', TOKEN, 36, 50, isVaried),
    ...keys('pat', DOTTED, 79, 79, matches(/^[A-Za-z0-9]{14}\.[0-9a-f]{64}$/)),
    // Payment.
    ...keys('access_token$production$ access_token$sandbox$', unitSet('0-9a-z$'), 49, 49, isMixed),
    ...keys('FLWSECK- FLWSECK_TEST-', unitSet('A-Za-z0-9-'), 12, 48, isMixed),
    ...keys('EZAK EZTK', ALNUM, 54, 60, isMixed),
    ...keys('access-production- access-sandbox-', unitSet('0-9a-f-'), 36),
    // Mail.
    ...keys('key-', HEX, 32, 32, isMixed),
    ...keys('xkeysib-', unitSet('A-Za-z0-9-'), 64, 90, isMixed),
  ],
} as const satisfies Record<string, readonly KeyFormat[]>;
