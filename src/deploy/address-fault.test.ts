import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addressFault } from './address-fault.ts';

test('an address is what everybody may read', () => {
  for (const sound of [
    'https://example.com',
    'http://[::1]:8080/mcp?tenant=a&page=2#x',
    'https://bücher.example/ß',
    'https://h/a@b?monkey=1&keyword=2&tokens=3',
    'https://h/$HOME/%7Bx%7D/{x}',
  ]) {
    assert.equal(addressFault(sound), undefined, sound);
  }
});

test('credentials in it, wherever they stand', () => {
  for (const address of ['https://u:p@h', 'https://u@h/', 'https://:p@h']) {
    assert.match(addressFault(address) ?? '', /^credentials in an address .* name a variable in `token_env`$/, address);
  }
  for (const name of [
    'key',
    'api_key',
    'apikey',
    'X-Api-Key',
    'access_token',
    'token',
    'client_secret',
    'sig',
    'PASSWORD',
  ]) {
    assert.match(
      addressFault(`https://h/?a=b&${name}=x`, 'do it so') ?? '',
      /looks like a credential.*and do it so$/,
      name,
    );
  }
});

test('what a terminal or a platform would read as more than text', () => {
  for (const address of [
    'https://h/ x',
    'https://h/\u001b[31m',
    'https://h/\u202ex',
    'https://h/\n',
    'https://h/\u0085',
  ]) {
    assert.match(addressFault(address) ?? '', /without blanks and control characters/, JSON.stringify(address));
  }
  for (const address of ['https://h/${TOKEN}', 'https://$(HOST)/', 'https://h/?q=${env.X}']) {
    assert.match(addressFault(address) ?? '', /expected the address itself/, address);
  }
  assert.equal(addressFault('no url'), 'expected an address without blanks and control characters');
  assert.equal(addressFault('nourl'), 'expected a URL');
});
