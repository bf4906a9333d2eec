/** The smallest part of some bytes that still fails, by leaving out ever smaller stretches. */
export function minimise(bytes: Uint8Array, fails: (bytes: Uint8Array) => boolean): Uint8Array {
  let current = bytes;
  for (let size = Math.ceil(bytes.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let at = 0; at < current.length; ) {
      const shorter = Buffer.concat([current.subarray(0, at), current.subarray(at + size)]);
      if (fails(shorter)) current = shorter;
      else at += size;
    }
  }
  return current;
}
