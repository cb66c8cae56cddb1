import type { OpenaiClient, OpenaiResource } from '../../../src/provider/openai/openai-client.js';

export interface BodyToCut {
  readonly bytes: Uint8Array;
  readonly contentType: string;
  /** Of the bytes, how many come. */
  readonly cutAfterBytes: number;
  /** The end looks good, as that of a body that ends with its connection. */
  readonly cleanly: boolean;
}

/** A client without a server, for what needs thousands of answers: each request gets the body that `next` gives. */
export function answeringClient(next: () => BodyToCut): OpenaiClient {
  const resource: OpenaiResource = { create: () => ({ asResponse: () => Promise.resolve(responseOf(next())) }) };
  return { responses: resource, chat: { completions: resource }, audio: { transcriptions: resource, speech: resource } };
}

function responseOf({ bytes, contentType, cutAfterBytes, cleanly }: BodyToCut): Response {
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      if (cutAfterBytes > 0) controller.enqueue(bytes.slice(0, cutAfterBytes));
      if (cleanly) controller.close();
    },
    pull(controller) {
      controller.error(new TypeError('terminated'));
    },
  }, { highWaterMark: 0 });
  return new Response(body, { headers: { 'content-type': contentType } });
}
