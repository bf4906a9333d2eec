/** A path with personal data taken out of it, percent-encoded or not, for what is recorded of a call. */
export function scrubbedPath(path: string, scrub: (text: string) => string): string {
  const clean = scrub(path);
  if (!path.includes('%')) return clean;
  // What is hidden by percent-encoding is found in the decoded path, which then is what is recorded.
  const decoded = decode(path);
  const cleanDecoded = scrub(decoded);
  return cleanDecoded === decoded ? clean : cleanDecoded;
}

/** As far as it can be decoded: one malformed escape must not hide the others. */
function decode(path: string): string {
  return path.replaceAll(/(?:%[0-9a-f]{2})+/gi, (escapes) =>
    Buffer.from(escapes.replaceAll('%', ''), 'hex').toString('utf8'),
  );
}
