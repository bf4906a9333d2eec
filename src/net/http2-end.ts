import type { Http2Stream } from 'node:http2';

/**
 * Tells whether the peer has ended its side of a stream with END_STREAM. Node ends the readable side of a stream that was
 * reset or lost its connection as well, which would pass for the end of the body. `onEnd` is told once, when everything before the end has been handed over.
 */
export function watchEnd(stream: Http2Stream, onEnd?: () => void): () => boolean {
  // What came in one read with the head has been handed over before anybody is told of the stream.
  let ended = stream.state.remoteClose === 1;
  const push = stream.push.bind(stream);
  stream.push = (chunk: unknown, encoding?: BufferEncoding): boolean => {
    // Whatever closes a stream says so before it ends the readable side.
    const isEnd = chunk === null && !ended && !stream.closed && !stream.destroyed;
    if (isEnd) ended = true;
    const result = push(chunk, encoding);
    if (isEnd && onEnd !== undefined) queueMicrotask(onEnd);
    return result;
  };
  return () => ended;
}
