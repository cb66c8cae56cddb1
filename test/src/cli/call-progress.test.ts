import { describe, expect, it } from 'vitest';
import { CallProgress } from '../../../src/cli/call-progress.js';
import { jsonPrinter, textPrinter } from '../../../src/cli/call-printer.js';
import type { WireSessionEvent } from '../../../src/protocol/voicewire/index.js';

const info = { sessionId: 's', agentName: 'Ava', timestamp: 0 };
const committed: WireSessionEvent = { type: 'input_committed', info, itemId: 'u1' };
const begins: WireSessionEvent = { type: 'agent_start', info, responseId: 'r1' };
const ends: WireSessionEvent = { type: 'agent_end', info, responseId: 'r1', outcome: 'completed', text: '' };
const toolEnds: WireSessionEvent = { type: 'tool_end', info, itemId: 'f', callId: 'c', toolName: 't', arguments: '{}', output: '{}', outcome: 'ok', durationMs: 3 };

describe('CallProgress', () => {
  it('is quiet 2 s after the last sign of life, and not a moment before', () => {
    const progress = new CallProgress(0);
    progress.onEvent(begins, 100);
    progress.onPlayed('i1', 480, 200);
    progress.onEvent(ends, 300);
    progress.onPlayed('i1', 960, 1000);
    expect(progress.isQuiet(2999)).toBe(false);
    expect(progress.isQuiet(3000)).toBe(true);
  });

  it.each<[string, WireSessionEvent[]]>([
    ['an answer is owed', [committed]],
    ['a response runs', [committed, begins]],
    ['the caller speaks', [{ type: 'input_speech_started', info, itemId: 'u', audioStartMs: 0 }]],
    ['a tool runs', [begins, { type: 'tool_start', info, responseId: 'r1', itemId: 'f', callId: 'c', toolName: 't' }, ends]],
    ['a result is to be spoken', [toolEnds]],
  ])('waits longer while %s, but not for ever', (_name, events) => {
    const progress = new CallProgress(0);
    for (const event of events) progress.onEvent(event, 0);
    expect(progress.isQuiet(14_999)).toBe(false);
    expect(progress.isQuiet(15_000)).toBe(true);
  });

  it('took place when the model heard the caller and the caller was answered', () => {
    const progress = new CallProgress(0);
    expect(progress.missing()).toHaveLength(2);
    progress.onPlayed('greeting', 0, 1);
    expect(progress.answersHeard).toBe(0);
    progress.onPlayed('greeting', 480, 1);
    expect(progress.missing()).toEqual(['the model heard no turn of the caller']);
    progress.onEvent(committed, 2);
    progress.onPlayed('greeting', 960, 3);
    expect(progress.missing().join()).toMatch(/no answer to the caller/);
    progress.onPlayed('answer', 480, 4);
    expect(progress.missing()).toEqual([]);
    expect(progress.answersHeard).toBe(2);
  });
});

function printed(make: typeof textPrinter, work: (printer: ReturnType<typeof textPrinter>) => void, colour = false): string[] {
  const lines: string[] = [];
  work(make({ out: (line) => lines.push(line), err: () => {}, write: () => {}, lines: () => nothing, env: {}, typed: false, colour, interrupted: new AbortController().signal }));
  return lines;
}

const said = (itemId: string, text: string): WireSessionEvent => ({
  ...{ type: 'history_updated', info },
  changes: [{ op: 'update', item: { type: 'message', itemId, role: 'assistant', status: 'completed', text, spoken: true, heardText: text, unheardText: '' } }],
});
const cut: WireSessionEvent = { type: 'audio_interrupted', info, epoch: 1, itemId: 'a1', heardMs: 1234, heardText: 'The garage is', unheardText: ' two minutes away.' };

describe('textPrinter', () => {
  it('prints what was said when it has been heard, once', () => {
    const lines = printed(textPrinter, (printer) => {
      printer.event({ type: 'audio_start', itemId: 'a1', contentIndex: 0, responseId: 'r1' }, 0);
      printer.event({ type: 'event', event: said('a1', 'Good evening.') }, 10);
      printer.event({ type: 'audio_received', itemId: 'a1', contentIndex: 0, samples: 480 }, 20);
      printer.event({ type: 'played', itemId: 'a1', contentIndex: 0, samples: 240, final: false }, 30);
      printer.event({ type: 'played', itemId: 'a1', contentIndex: 0, samples: 480, final: true }, 61_500);
      printer.event({ type: 'event', event: said('a1', 'Good evening.') }, 61_600);
    });
    expect(lines).toEqual(['1:01.5  agent   Good evening.']);
  });

  it('marks what was not heard', () => {
    const feed = (printer: ReturnType<typeof textPrinter>): void => {
      printer.event({ type: 'audio_start', itemId: 'a1', contentIndex: 0, responseId: 'r1' }, 0);
      printer.event({ type: 'event', event: cut }, 2000);
      printer.event({ type: 'played', itemId: 'a1', contentIndex: 0, samples: 240, final: true }, 2050);
    };
    expect(printed(textPrinter, feed)).toEqual(['0:02.0  agent   The garage is [not heard: two minutes away.] cut after 1234 ms']);
    expect(printed(textPrinter, feed, true).join()).toContain('\u001b[9m[not heard: two minutes away.]\u001b[29m');
  });

  it('prints what was cut before a word of it was heard, and what was cut after its last', () => {
    const lines = printed(textPrinter, (printer) => {
      printer.event({ type: 'event', event: { ...cut, itemId: 'a1', heardText: '', unheardText: 'Good evening.' } }, 0);
      printer.event({ type: 'event', event: { ...cut, itemId: 'a2', heardText: 'Good evening.', unheardText: '' } }, 0);
    });
    expect(lines).toEqual(['0:00.0  agent   [not heard: Good evening.] cut after 1234 ms', '0:00.0  agent   Good evening. cut after 1234 ms']);
  });

  it('waits for a text that comes after its sound', () => {
    const lines = printed(textPrinter, (printer) => {
      printer.event({ type: 'audio_start', itemId: 'a1', contentIndex: 0, responseId: 'r1' }, 0);
      printer.event({ type: 'audio_received', itemId: 'a1', contentIndex: 0, samples: 480 }, 20);
      printer.event({ type: 'played', itemId: 'a1', contentIndex: 0, samples: 480, final: true }, 40);
      printer.event({ type: 'event', event: said('a1', 'Good evening.') }, 100);
    });
    expect(lines).toEqual(['0:00.1  agent   Good evening.']);
  });

  it('tells at the end of the call what was being said, and how much of it was heard', () => {
    const lines = printed(textPrinter, (printer) => {
      printer.event({ type: 'audio_start', itemId: 'a1', contentIndex: 0, responseId: 'r1' }, 0);
      printer.event({ type: 'event', event: said('a1', 'Good evening.') }, 10);
      printer.event({ type: 'played', itemId: 'a1', contentIndex: 0, samples: 12_000, final: false }, 600);
      printer.event({ type: 'played', itemId: 'a1', contentIndex: 0, samples: 18_000, final: false }, 900);
      printer.ended(1000);
      printer.ended(1100);
    });
    expect(lines).toEqual(['0:01.0  agent   Good evening. (the call ended after 750 ms of this)']);
  });

  it('shows control characters of the other side as nothing but gaps', () => {
    const evil = 'one\u001b[2J\u009b31m\r\ntwo\u0007';
    const lines = printed(textPrinter, (printer) => {
      printer.ready({ type: 'ready', protocol: 1, sessionId: 's', agent: evil, model: { label: evil, note: evil }, sampleRate: 24_000 }, 0);
      printer.event({ type: 'event', event: { ...toolEnds, toolName: evil, arguments: evil, output: evil } }, 0);
      printer.event({ type: 'event', event: { ...cut, heardText: evil, unheardText: evil } }, 0);
      printer.event({ type: 'event', event: { type: 'error', info, error: { code: 'PROVIDER_ERROR', message: evil, stage: 'model', retryable: false } } }, 0);
    });
    expect(lines).toHaveLength(4);
    for (const line of lines) expect(line).toMatch(/^[^\p{Cc}]*one \[2J 31m two[^\p{Cc}]*$/u);
  });

  it('prints the caller, tools and the latency of a turn', () => {
    const lines = printed(textPrinter, (printer) => {
      const item = { type: 'message' as const, itemId: 'u1', role: 'user' as const, status: 'completed' as const, text: 'A table, please.', spoken: true, images: 0 };
      printer.event({ type: 'event', event: { type: 'history_added', info, item } }, 0);
      printer.event({ type: 'event', event: toolEnds }, 0);
      printer.event({ type: 'event', event: { type: 'turn_metrics', info, turnId: 't', responseId: 'r', marks: { speechEndMs: 1000, firstFrameHeardMs: 1812.4 } } }, 0);
      printer.event({ type: 'event', event: { type: 'turn_metrics', info, turnId: 't', responseId: 'r', marks: { firstFrameHeardMs: 5 } } }, 0);
    });
    expect(lines).toEqual(['0:00.0  caller  A table, please.', '0:00.0  tool    t({}) → {} ok, 3 ms', '0:00.0          answered 812 ms after the end of speech']);
  });
});

describe('jsonPrinter', () => {
  it('prints session events as they are, and one line for each part that was played', () => {
    const lines = printed(jsonPrinter, (printer) => {
      printer.event({ type: 'level', source: 'agent', rms: 0.1 }, 1);
      printer.event({ type: 'event', event: cut }, 2.4);
      printer.event({ type: 'played', itemId: 'a1', contentIndex: 0, samples: 100, final: false }, 3);
      printer.event({ type: 'played', itemId: 'a1', contentIndex: 0, samples: 240, final: true }, 4);
      printer.event({ type: 'played', itemId: 'a2', contentIndex: 0, samples: 480, final: false }, 5);
      printer.event({ type: 'played', itemId: 'a2', contentIndex: 0, samples: 960, final: false }, 6);
      printer.ended(7);
    });
    expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([
      { ...cut, atMs: 2 },
      { type: 'played', itemId: 'a1', contentIndex: 0, samples: 240, final: true, atMs: 4 },
      { type: 'played', itemId: 'a2', contentIndex: 0, samples: 960, final: false, atMs: 7 },
    ]);
  });
});

const nothing: AsyncIterable<never> = { [Symbol.asyncIterator]: () => ({ next: () => Promise.resolve({ value: undefined, done: true }) }) };
