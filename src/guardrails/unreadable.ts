/**
 * Why a body, or a part of it, could not be read as what it claims to be.
 * `unknown_encoding`, `malformed_encoding`: of its content codings. `unknown_charset`, `malformed_charset`: of its text.
 * `invalid_json`, `invalid_multipart`: it was scanned as plain text instead. `encoded_part`: a part of a multipart body has a
 * charset or transfer encoding that is not read here. `ambiguous`: it says twice what it is. `too_large`: beyond the limit.
 * `invalid_message`: not what the contract's messages are written like.
 * `binary`: declared so, and it does not begin like text. `partial`: a range of it. `switched_protocol`: not HTTP any more.
 */
export type Unreadable =
  | 'unknown_encoding'
  | 'malformed_encoding'
  | 'unknown_charset'
  | 'malformed_charset'
  | 'invalid_json'
  | 'invalid_multipart'
  | 'invalid_message'
  | 'encoded_part'
  | 'ambiguous'
  | 'too_large'
  | 'binary'
  | 'partial'
  | 'switched_protocol';
