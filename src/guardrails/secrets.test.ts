import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SECRET_DETECTORS } from './secrets.ts';

const WORK = { left: 1e6 };

/** Each with what finds it: rules and spans. */
function found(text: string): string[] {
  return SECRET_DETECTORS.flatMap(([name, { find }]) => {
    const spans = find(text, WORK);
    return Array.from({ length: spans.length / 2 }, (_, i) => `${name} ${text.slice(spans[2 * i], spans[2 * i + 1])}`);
  });
}

// Keys are put together of these, so that no scanner of this repository takes them for real.
const RANDOM = 'aB3dE5gH7jK9mN1pQ2rS4tU6vW8xY0zAbC4eF6hJ8kL0nP2qR4sT6uV8wX0yZ2bD5fG7iK9mO1qS3uW5yA7cE9gI1kM3o';
const HEX = '0f1e2d3c4b5a69788796a5b4c3d2e1f0f0e1d2c3b4a5968778695a4b3c2d1e0f';
const some = (length: number): string => RANDOM.slice(0, length);

const KEYS: Record<string, readonly string[]> = {
  aws_key: ['AKIAIOSFODNN7EXAMPLE', `ASIA${some(16).toUpperCase()}`, `ABSK${RANDOM}${some(20)}=`],
  google_key: [`AIza${some(35)}`, `GOCSPX-${some(28)}`, `ya29.a0_${some(60)}`, `1//0${some(60)}`],
  azure_key: [
    `AccountKey=${some(86)}==`,
    `SharedAccessKey=${some(43)}=`,
    `sig=${some(43)}%3D`,
    `aB38Q~${some(34)}`,
    `${some(52)}JQQJ99${some(26)}`,
  ],
  openai_key: [`sk-${some(48)}`, `sk-proj-${some(60)}-_${some(60)}`, `sk-svcacct-${some(80)}`],
  anthropic_key: [`sk-ant-api03-${some(90)}-AA`],
  huggingface_token: [`hf_${some(34)}`],
  stripe_key: [`sk_live_${some(24)}`, `rk_test_${some(90)}`, `whsec_${some(32)}`],
  github_token: [`ghp_${some(36)}`, `gho_${some(36)}`, `ghs_${some(36)}`, `github_pat_${some(22)}_${some(59)}`],
  gitlab_token: [
    `glpat-${some(20)}`,
    `glpat-${some(40)}.01.0a${some(7)}`,
    `glrt-${some(20)}`,
    'glpat--VonXzSIYsVyWBieydiX'.replace('X', 'Q'),
  ],
  slack_token: [
    `xoxb-123456789012-1234567890123-${some(24)}`,
    `xapp-1-A0123456789-1234567890123-${HEX}`,
    `hooks.slack.com/services/T0ABCDEFG/B0ABCDEFG/${some(24)}`,
  ],
  npm_token: [`npm_${some(36)}`],
  pypi_token: [`pypi-AgEIcHlwaS5vcmc${some(90)}`],
  sendgrid_key: [`SG.${some(22)}.${some(43)}`],
  twilio_key: [`SK${HEX.slice(0, 32)}`],
  square_token: [`sq0atp-${some(22)}`, `sq0csp-${some(43)}`, `EAAA${some(60)}`],
  shopify_token: [`shpat_${HEX.slice(0, 32)}`],
  digitalocean_token: [`dop_v1_${HEX}`],
  telegram_token: [`123456789:AA${some(33)}`],
  api_key: [
    `gsk_${some(52)}`,
    `r8_${some(37)}`,
    `xai-${some(80)}`,
    `sk-or-v1-${HEX}`,
    `pplx-${some(48)}`,
    `nvapi-${some(64)}`,
    `dapi${HEX.slice(0, 32)}`,
    `hvs.${some(90)}`,
    `${some(14)}.atlasv1.${some(67)}`,
    `ATBB${some(32)}`,
    `dckr_pat_${some(27)}`,
    `glsa_${some(32)}_${HEX.slice(0, 8)}`,
    `NRAK-${some(27).toUpperCase()}`,
    `pat${some(14)}.${HEX}`,
    `access_token$production$${HEX.slice(0, 16)}$${HEX.slice(16, 48)}`,
    `key-${HEX.slice(0, 32)}`,
  ],
};

test('keys of each provider are found, by their rule alone, wherever they stand', async (t) => {
  for (const [rule, keys] of Object.entries(KEYS)) {
    await t.test(rule, () => {
      for (const key of keys) {
        for (const text of [key, `"${key}"`, `key ${key}.`, `token=${key}&x=1`, `x\\n${key}\\n`, `中${key}文`]) {
          assert.deepEqual(found(text), [`${rule} ${key}`]);
        }
      }
    });
  }
});

test('each rule for keys has some here', () => {
  const names = SECRET_DETECTORS.map(([name]) => name);
  assert.deepEqual(Object.keys(KEYS), names.slice(2));
  assert.deepEqual(names.slice(0, 2), ['private_key', 'jwt']);
});

test('placeholders, and what is too short, too long or inside of a word, are no keys', () => {
  for (const text of [
    'sk-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx',
    'AKIAXXXXXXXXXXXXXXXX',
    'AKIA****************',
    '<YOUR_KEY>',
    'sk-your-api-key-goes-here-please-now',
    'sk-ant-your-key-here-and-nothing-else',
    'ghp_your_token_here',
    `ghp_${'x'.repeat(36)}`,
    'npm_install_the_package_and_go_on_now',
    'AccountKey=<key>;EndpointSuffix=core.windows.net',
    'sk_live_...',
    'hf_hub_download',
    'glpat-your-personal-access-token-here',
    'AIzaSy...',
    `AKIA${some(15).toUpperCase()}`,
    `AKIA${some(17).toUpperCase()}`,
    `xAKIA${some(16).toUpperCase()}`,
    `my_ghp_${some(36)}`,
    `ghp_${some(35)}`,
    `AIza${some(36)}`,
    `task-${some(48)}`,
    'risk-management-and-other-things-of-2026',
    'patient.0123456789',
    'disk-usage',
    '550e8400-e29b-41d4-a716-446655440000',
    HEX,
    `data:image/png;base64,${RANDOM}${RANDOM}==`,
    'https://example.com/sk-foo/a-b-c-d-e-f-g-h-i-j-k-l-m-n-o-p-q-r-s-t?sig=none&x=%20',
    'SKU0123456789',
    'twelve:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
  ]) {
    assert.deepEqual(found(text), [], text.slice(0, 24));
  }
});

test('an AWS secret access key is found by its name', () => {
  const key = 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY';
  for (const text of [
    `aws_secret_access_key = ${key}`,
    `AWS_SECRET_ACCESS_KEY="${key}"`,
    `{\\"SecretAccessKey\\": \\"${key}\\"}`,
    `awsSecretKey: '${key}', x`,
  ]) {
    assert.deepEqual(found(text), [`aws_key ${key}`]);
  }
  for (const text of [
    key,
    `aws_key = ${key}`,
    `secret_key = ${key}x`,
    `secret_key = ${key.slice(1)}`,
    `secret_key ${HEX}`,
  ]) {
    assert.deepEqual(found(text), []);
  }
});

test('both keys of an AWS account, in any order', () => {
  const id = `AKIA${some(16).toUpperCase()}`;
  const key = some(40);
  assert.deepEqual(found(`id ${id} secret_key=${key}`), [`aws_key ${id}`, `aws_key ${key}`]);
  assert.deepEqual(found(`secret_key=${key} id ${id}`), [`aws_key ${key}`, `aws_key ${id}`]);
});

const base64url = (json: string): string => Buffer.from(json).toString('base64url');

test('JSON Web Tokens are found, signed, unsigned and encrypted', () => {
  const header = base64url('{"alg":"HS256","typ":"JWT"}');
  const claims = base64url('{"sub":"1234567890","admin":true}');
  const tokens = [
    `${header}.${claims}.${some(43)}`,
    `${header}..${some(43)}`,
    `${base64url('{"alg":"none"}')}.${claims}.`,
    `${base64url('{"alg":"dir","enc":"A128GCM"}')}..${some(16)}.${some(64)}.${some(22)}`,
    `${header}.${some(96)}${RANDOM.repeat(40)}.${some(43)}`,
  ];
  for (const token of tokens) {
    for (const text of [token, `Bearer ${token}`, `{"t":"${token}"}`, `x\\n${token}`]) {
      assert.deepEqual(found(text), [`jwt ${token}`]);
    }
  }
});

test('what looks like a JSON Web Token is left', () => {
  const header = base64url('{"alg":"HS256","typ":"JWT"}');
  for (const text of [
    header,
    `${header}...`,
    `${header}.${some(20)}`,
    `${header}.${some(20)}.`,
    `x${header}.a.b`,
    `${base64url('{"typ":"JWT"}')}.${some(20)}.${some(20)}`,
    `${base64url('{"alg":"HS256"')}.${some(20)}.${some(20)}`,
    `eyJ${some(40)}.${some(20)}.${some(20)}`,
  ]) {
    assert.deepEqual(found(text), []);
  }
});

const LINES = [RANDOM.slice(0, 64), RANDOM.slice(10, 74), `${RANDOM.slice(20, 40)}==`];
const block = (label: string, lines: readonly string[], end = '\n'): string =>
  [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`].join(end);

test('private keys are found as whole blocks', () => {
  for (const key of [
    block('PRIVATE KEY', LINES),
    block('RSA PRIVATE KEY', LINES, '\r\n'),
    block('EC PRIVATE KEY', LINES, '\\n'),
    block('OPENSSH PRIVATE KEY', LINES, '\\\\n'),
    block('ENCRYPTED PRIVATE KEY', LINES, ' '),
    block('RSA PRIVATE KEY', ['Proc-Type: 4,ENCRYPTED', 'DEK-Info: AES-128-CBC,00112233', '', ...LINES]),
    block('PGP PRIVATE KEY BLOCK', ['Version: GnuPG v2', '', ...LINES, '=aB3d']),
    block('PRIVATE KEY', [RANDOM.repeat(10)]),
    block('PRIVATE KEY', ['MC4CAQ==']),
    `---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----\nComment: "mine"\n${LINES.join('\n')}\n---- END SSH2 ENCRYPTED PRIVATE KEY ----`,
  ]) {
    for (const text of [key, `key: ${key}, and on`, `"${key}"`]) assert.deepEqual(found(text), [`private_key ${key}`]);
  }
  const two = [block('PRIVATE KEY', LINES), block('EC PRIVATE KEY', LINES)];
  assert.deepEqual(
    found(two.join('\n')),
    two.map((key) => `private_key ${key}`),
  );
});

test('a private key without its last line is found as far as it goes', () => {
  const start = `-----BEGIN RSA PRIVATE KEY-----\n${LINES.join('\n')}`;
  for (const rest of ['', '\n', '\nand then some words', '"', '... (cut)', '\n-----END']) {
    assert.deepEqual(found(start + rest), [`private_key ${start}`]);
  }
  const long = `-----BEGIN RSA PRIVATE KEY-----\n${`${LINES[0]}\n`.repeat(1000)}`;
  const [first = ''] = found(long);
  assert.ok(first.length > 16_000 && first.length < 17_000);
});

test('what is no private key is left', () => {
  for (const text of [
    block('PUBLIC KEY', LINES),
    block('CERTIFICATE', LINES),
    'Look for -----BEGIN PRIVATE KEY----- in the file, and for its end.',
    '-----BEGIN PRIVATE KEY-----\n...\n-----END PRIVATE KEY-----',
    '-----BEGIN RSA PRIVATE KEY-----',
    '----------',
    `-----BEGIN PRIVATE KEY\n${LINES.join('\n')}`,
  ]) {
    assert.deepEqual(found(text), []);
  }
});
