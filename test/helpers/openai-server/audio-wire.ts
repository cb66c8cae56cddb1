import type { Answer } from './server.js';
import { pieces } from './responses-wire.js';

export const TRANSCRIPT_USAGE = { type: 'tokens', total_tokens: 45, input_tokens: 14, input_token_details: { text_tokens: 0, audio_tokens: 14 }, output_tokens: 31 };

/** As OpenAI streams a transcript. */
export function streamedTranscript(text: string): Answer {
  const events = [...pieces(text).map((delta) => ({ type: 'transcript.text.delta', delta, obfuscation: 'aB' })), { type: 'transcript.text.done', text, usage: TRANSCRIPT_USAGE }];
  return { parts: events.map((event) => `data: ${JSON.stringify(event)}\n\n`) };
}

export function wholeTranscript(text: string): Answer {
  return { contentType: 'application/json', parts: [JSON.stringify({ text, usage: { type: 'duration', seconds: 3 } })] };
}

export function spoken(parts: Answer['parts'], contentType = 'audio/pcm'): Answer {
  return { contentType, parts };
}
