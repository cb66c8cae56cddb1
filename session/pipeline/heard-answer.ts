import { heardSamples, ledgerEntry } from '../../audio/index.js';
import { splitHeard } from '../state/heard-text.js';
import { outputMs } from './pipeline-context.js';
import { itemIdOf } from './pipeline-state.js';
import type { Answer, PipelineState } from './pipeline-state.js';

export interface HeardAnswer {
  /** Whole ms, rounded down. */
  readonly heardMs: number;
  /** The two texts, joined, are all that the workflow has said. */
  readonly heardText: string;
  readonly unheardText: string;
}

/**
 * What the user has heard of an answer: the sentences that were heard to their end, and of the one that sounds so many words as fit the time. A
 * sentence without sound (without a synthesiser none has any) counts as heard when all before it was.
 */
export function heardAnswer(state: PipelineState, turn: number, answer: Answer, nowMs: number): HeardAnswer {
  let heard = 0;
  let heardText = '';
  for (const [index, sentence] of answer.sentences.entries()) {
    const samples = heardOf(state, turn, index, sentence.takenSamples, nowMs);
    heard += samples;
    if (!sentence.complete || samples < sentence.samples) {
      const audio = { receivedMs: outputMs(state, sentence.samples), complete: sentence.complete };
      heardText += splitHeard(sentence.text, outputMs(state, samples), audio).heard;
      break;
    }
    heardText += sentence.text;
  }
  heardText = heardText.trimEnd();
  return { heardMs: Math.floor(outputMs(state, heard) + 1e-6), heardText, unheardText: answer.text.slice(heardText.length) };
}

function heardOf({ ledger }: PipelineState, turn: number, sentence: number, takenSamples: number, nowMs: number): number {
  const entry = ledgerEntry(ledger, itemIdOf(turn), sentence);
  // What was given to the listener and is not in the ledger any more was heard to its end.
  return entry === undefined ? takenSamples : heardSamples(ledger, entry, nowMs);
}
