import type { ResponseRequest } from '../ports/model.js';

/** The request by which a model is brought to speak given words. */
export function sayRequest(text: string): ResponseRequest {
  return { instructions: `Say exactly the following words, in their language, and nothing before or after them:\n${text}`, toolChoice: 'none' };
}
