/** Names of parameters whose values are credentials: `api_key`, `access-token`, `sig`. */
const CREDENTIAL = /(^|[_-])(api_?key|access_?key|access_?token|key|token|secret|password|passwd|pwd|sig|signature)$/i;

/** What keeps an address from standing in a manifest, which everybody may read; `instead` is where a credential belongs. Undefined: nothing. */
export function addressFault(address: string, instead = 'name a variable in `token_env`'): string | undefined {
  if (/[^\x21-\x7e\xa1-\u{10ffff}]|[\u2028-\u202e\u2066-\u2069]/u.test(address)) {
    return 'expected an address without blanks and control characters';
  }
  // Some platforms would fill them in, with secrets too.
  if (/\$[({]/.test(address)) return 'expected the address itself: nothing may fill in `${…}` or `$(…)` later';
  const url = URL.parse(address);
  if (url === null) return 'expected a URL';
  if (url.username !== '' || url.password !== '') {
    return `credentials in an address would stand in the manifest: take them out, and ${instead}`;
  }
  const parameter = [...url.searchParams.keys()].find((name) => CREDENTIAL.test(name));
  if (parameter === undefined) return undefined;
  return `a parameter of the address looks like a credential, and would stand in the manifest: take it out, and ${instead}`;
}
