/**
 * Headers of an event stream, each for a reader or proxy that is known to need it. `no-transform` (RFC 9111 section 5.2.2.6) keeps compression away, which holds
 * events back until a block is full, and `Content-Encoding` tells those who do not know it that the encoding is chosen already; nginx buffers unless
 * `X-Accel-Buffering` says no; browsers read an event stream as UTF-8 whatever the charset says, others do not. There is no length: it is not known.
 */
export const SSE_HEADERS: Readonly<Record<string, string>> = Object.freeze({
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-cache, no-transform',
  'content-encoding': 'identity',
  'x-accel-buffering': 'no',
});
