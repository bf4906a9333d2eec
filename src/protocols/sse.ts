/**
 * Measures a stream of server-sent events (WHATWG HTML §9.2) without parsing it: adds up the bytes since the last blank line.
 * A reader that keeps events whole buffers at most that much.
 */
export function eventMeter(): (chunk: Uint8Array) => number {
  let size = 0;
  let lineEmpty = true;
  let afterReturn = false;
  return (chunk) => {
    let largest = 0;
    for (const byte of chunk) {
      size++;
      // CR LF is one line end, as are CR and LF alone.
      if (byte === LF && afterReturn) {
        afterReturn = false;
        continue;
      }
      afterReturn = byte === CR;
      if (byte !== LF && byte !== CR) {
        lineEmpty = false;
      } else if (lineEmpty) {
        largest = Math.max(largest, size);
        size = 0;
      } else {
        lineEmpty = true;
      }
    }
    return Math.max(largest, size);
  };
}

const LF = 0x0a;
const CR = 0x0d;
