/** Made-up keys and tokens in the formats that providers give out. None of them opens anything. */
import { crc32 } from 'node:zlib';
import type { Random } from './random.ts';

const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

/** GitHub and npm end their tokens with the CRC-32 of what comes before, in base 62. */
function withChecksum(prefix: string, body: string): string {
  let left = crc32(body);
  let check = '';
  for (let i = 0; i < 6; i++) {
    check = (BASE62[left % 62] ?? '') + check;
    left = Math.floor(left / 62);
  }
  return prefix + body + check;
}

function base64url(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

function jwt(random: Random): string {
  const header = random.pick([
    { alg: 'HS256', typ: 'JWT' },
    { alg: 'RS256', typ: 'JWT', kid: random.hex(8) },
    { typ: 'JWT', alg: 'ES256' },
  ]);
  const issued = 1_700_000_000 + random.below(50_000_000);
  const claims = random.pick([
    { sub: random.digits(10), iat: issued, exp: issued + 3600 },
    { iss: 'https://login.example.com/', aud: 'api', sub: `user|${random.hex(12)}`, iat: issued, scope: 'read write' },
  ]);
  return `${base64url(header)}.${base64url(claims)}.${random.base64url(random.pick([43, 86, 342]))}`;
}

function privateKey(random: Random): string {
  const kind = random.pick([
    'RSA PRIVATE KEY',
    'PRIVATE KEY',
    'EC PRIVATE KEY',
    'OPENSSH PRIVATE KEY',
    'ENCRYPTED PRIVATE KEY',
    'DSA PRIVATE KEY',
  ]);
  const lines = Array.from({ length: random.between(3, 8) }, () => random.base64(64));
  lines.push(`${random.base64(random.between(20, 62))}==`);
  // In files of settings, line ends are spelt out.
  return [`-----BEGIN ${kind}-----`, ...lines, `-----END ${kind}-----`].join(random.chance(0.2) ? '\\n' : '\n');
}

const CAPITALS_AND_2_TO_7 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
const LOWER_AND_DIGITS = 'abcdefghijklmnopqrstuvwxyz0123456789';

/** By the name of the rule that is to find it. */
export const SECRETS: Readonly<Record<string, readonly ((random: Random) => string)[]>> = {
  private_key: [privateKey],
  jwt: [jwt],
  aws_key: [
    (r) => `AKIA${r.chars(CAPITALS_AND_2_TO_7, 16)}`,
    (r) => `AKIA${r.chars(CAPITALS_AND_2_TO_7, 16)}`,
    (r) => `ASIA${r.chars(CAPITALS_AND_2_TO_7, 16)}`,
  ],
  google_key: [
    (r) => `AIza${r.base64url(34)}${r.base62(1)}`,
    (r) => `AIzaSy${r.base64url(32)}${r.base62(1)}`,
    (r) => `GOCSPX-${r.base64url(27)}${r.base62(1)}`,
  ],
  azure_key: [(r) => `${r.base64(76)}+ASt${r.base62(5)}${r.pick(['A', 'Q', 'g', 'w'])}==`],
  openai_key: [
    (r) => `sk-proj-${r.base64url(73)}${r.base62(1)}T3BlbkFJ${r.base64url(73)}${r.base62(1)}`,
    (r) => `sk-${r.base62(20)}T3BlbkFJ${r.base62(20)}`,
    (r) => `sk-svcacct-${r.base64url(73)}${r.base62(1)}T3BlbkFJ${r.base64url(73)}${r.base62(1)}`,
  ],
  anthropic_key: [(r) => `sk-ant-api03-${r.base64url(93)}AA`, (r) => `sk-ant-admin01-${r.base64url(93)}AA`],
  huggingface_token: [(r) => `hf_${r.chars('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz', 34)}`],
  stripe_key: [
    (r) => `sk_live_${r.base62(24)}`,
    (r) => `sk_test_${r.base62(99)}`,
    (r) => `rk_live_${r.base62(99)}`,
    (r) => `whsec_${r.base62(32)}`,
  ],
  github_token: [
    (r) => withChecksum('ghp_', r.base62(30)),
    (r) => withChecksum('gho_', r.base62(30)),
    (r) => withChecksum('ghs_', r.base62(30)),
    (r) => `github_pat_${r.base62(22)}_${r.base62(59)}`,
  ],
  gitlab_token: [(r) => `glpat-${r.base64url(19)}${r.base62(1)}`, (r) => `gldt-${r.base64url(19)}${r.base62(1)}`],
  slack_token: [
    (r) => `xoxb-${r.digits(12)}-${r.digits(13)}-${r.base62(24)}`,
    (r) => `xoxp-${r.digits(11)}-${r.digits(11)}-${r.digits(13)}-${r.hex(32)}`,
    (r) => `xapp-1-A0${r.chars('ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789', 9)}-${r.digits(13)}-${r.hex(64)}`,
    (r) =>
      `https://hooks.slack.com/services/T0${r.chars('ABCDEFGHJKLMNP0123456789', 8)}/B0${r.chars('ABCDEFGHJKLMNP0123456789', 8)}/${r.base62(24)}`,
  ],
  npm_token: [(r) => withChecksum('npm_', r.base62(30))],
  pypi_token: [(r) => `pypi-AgEIcHlwaS5vcmc${r.base64url(149)}${r.base62(1)}`],
  sendgrid_key: [(r) => `SG.${r.base64url(22)}.${r.base64url(42)}${r.base62(1)}`],
  twilio_key: [(r) => `SK${r.hex(32)}`],
  digitalocean_token: [(r) => `dop_v1_${r.hex(64)}`],
  shopify_token: [(r) => `shpat_${r.hex(32)}`],
  telegram_token: [(r) => `${r.between(1, 9)}${r.digits(9)}:AA${r.base64url(32)}${r.base62(1)}`],
  square_token: [(r) => `sq0csp-${r.base64url(42)}${r.base62(1)}`],
  /** Of providers whose keys share a rule. */
  api_key: [
    (r) => `gsk_${r.base62(52)}`,
    (r) => `dckr_pat_${r.base64url(26)}${r.base62(1)}`,
    (r) => `dapi${r.hex(32)}`,
    (r) => `lin_api_${r.chars(`${LOWER_AND_DIGITS}ABCDEF`, 40)}`,
    (r) => `sk-or-v1-${r.hex(64)}`,
    (r) => `xai-${r.base62(80)}`,
    (r) => `r8_${r.base62(37)}`,
    (r) => `hvs.${r.base64url(90)}${r.base62(1)}`,
  ],
};

/** What stands around an Azure account key, without which it could be anything. */
export function connectionString(key: string): string {
  return `DefaultEndpointsProtocol=https;AccountName=store01;AccountKey=${key};EndpointSuffix=core.windows.net`;
}

/** Forty characters that are a key because of the name before them. */
export function awsSecret(random: Random): [before: string, secret: string] {
  return [random.pick(['aws_secret_access_key = ', 'AWS_SECRET_ACCESS_KEY=', 'secretAccessKey: ']), random.base64(40)];
}
