/** As much is written at once, so that it is seen whether a slow reader reads at all. */
export const PIECE_BYTES: number = 64 * 1024;

/** Bytes at hand, as a stream: what is written in one go would all be in the memory of the connection. */
export async function* pieces(body: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < body.length; at += PIECE_BYTES) yield body.subarray(at, at + PIECE_BYTES);
}
