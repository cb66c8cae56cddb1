import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { HostError } from '../../../src/host/errors.js';
import { readRecording } from '../../../src/recording/index.js';
import { finishedCall, voicewireMatchers } from '../../../src/testing.js';
import type { CallEvent, PlayedMark } from '../../../src/testing.js';
import { callEvents, cut, later, opened, said, sound, speechStarts, speechStops } from '../../helpers/call-events.js';
import type { Told } from '../../helpers/call-events.js';

beforeAll(() => expect.extend(voicewireMatchers));

const fixture = (name: string): string => fileURLToPath(new URL(`../../../fixtures/recordings/${name}.vw.jsonl`, import.meta.url));

/** Why an expectation fails; it must. */
function failure(expectation: () => void): string {
  try {
    expectation();
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error('It passed.');
}

function reported(events: readonly CallEvent[], itemId: string, ...marks: readonly (readonly [atMs: number, heardMs: number])[]): { events: readonly CallEvent[]; played: PlayedMark[] } {
  return { events, played: marks.map(([atMs, heardMs]) => ({ atMs, itemId, contentIndex: 0, heardMs })) };
}

describe('toInterruptWithin', () => {
  const spoken = (...more: readonly Told[]) => callEvents([1_000, opened], [2_000, sound('a', 3_000)], ...more);

  it('measures a recorded call, from the moment of detection or from the onset of speech', () => {
    expect(fixture('barge-in')).toInterruptWithin(20);
    expect(readRecording(fixture('barge-in'))).toInterruptWithin(150, { from: 'onset' });
    const message = failure(() => expect(fixture('barge-in')).toInterruptWithin(100, { from: 'onset' }));
    expect(message).toMatch(/silent within 100 ms .* slowest of 1: it took 131 ms, turn 1, 4120 ms into the call, heard up to "There are a few good places/);
    expect(fixture('barge-in')).not.toInterruptWithin(100, { from: 'onset' });
  });

  it('is 0 for a player that is told at once, and counts what the listener played on by its own reports', () => {
    const events = spoken([3_000, speechStarts], [3_000, cut('a', 1_000)]);
    expect(events).toInterruptWithin(0);
    const late = reported(events, 'a', [2_040, 40], [3_000, 1_000], [3_180, 1_180]);
    expect(late).toInterruptWithin(180);
    expect(failure(() => expect(late).toInterruptWithin(170))).toMatch(/it took 180 ms, turn 0, 2000 ms into the call/);
  });

  it('counts from the detection to a later cut, and ends where the sound was held before it', () => {
    const slow = spoken([3_000, speechStarts], [3_400, cut('a', 1_400)]);
    expect(slow).toInterruptWithin(400);
    expect(slow).not.toInterruptWithin(399);
    expect(spoken([3_000, speechStarts], [3_010, { type: 'audio_paused', how: 'pause', epoch: 0 }], [3_400, cut('a', 1_010)])).toInterruptWithin(10);
    expect(spoken([3_000, speechStarts], [3_010, { type: 'audio_paused', how: 'duck', epoch: 0 }], [3_400, cut('a', 1_400)])).not.toInterruptWithin(399);
  });

  it('fails for an agent that talks on', () => {
    const message = failure(() => expect(spoken([3_000, speechStarts], [5_500, later])).toInterruptWithin(250));
    expect(message).toContain('it talked on for 2000 ms, turn 0, 2000 ms into the call');
  });

  it('leaves out speech that was taken for none, and fails when nothing is left to measure, with not as well', () => {
    const resumed = spoken([3_000, speechStarts], [3_010, { type: 'audio_paused', how: 'pause', epoch: 0 }], [3_300, { type: 'audio_resumed', epoch: 0 }], [9_000, later]);
    expect(failure(() => expect(resumed).toInterruptWithin(250))).toContain('nobody spoke over the agent');
    expect(failure(() => expect(resumed).not.toInterruptWithin(250))).toContain('nobody spoke over the agent');
    expect(failure(() => expect(fixture('tool-call')).toInterruptWithin(250))).toContain('nobody spoke over the agent');
  });

  it('takes the onset from no list of events', () => {
    expect(() => expect(spoken([3_000, speechStarts], [3_000, cut('a', 1_000)])).toInterruptWithin(250, { from: 'onset' })).toThrow(TypeError);
  });
});

describe('toCallTool', () => {
  it('matches the name and a part of the arguments', () => {
    expect(fixture('tool-call')).toCallTool('book_table');
    expect(fixture('tool-call')).toCallTool('book_table', { people: 2 });
    expect(fixture('tool-call')).toCallTool('book_table', { people: expect.any(Number) as number, time: expect.stringContaining('19') as string });
    expect(fixture('failure')).toCallTool('book_table');
    expect(fixture('barge-in')).not.toCallTool('book_table');
  });

  it('names what was called instead, and when', () => {
    expect(failure(() => expect(fixture('tool-call')).toCallTool('book_table', { people: 4 }))).toMatch(/with \{"people":4\}; book_table\(\{"people":2,.*\) was called in turn 1, 651 ms into the call \(ok\)/);
    expect(failure(() => expect(fixture('tool-call')).toCallTool('cancel_table'))).toContain('the tool cancel_table to be called; book_table(');
    expect(failure(() => expect(fixture('barge-in')).toCallTool('book_table', { people: expect.any(Number) as number }))).toMatch(/with \{"people":"<Any<Number>>"\}; no tool was called/);
    expect(failure(() => expect(fixture('tool-call')).toCallTool('book_table', { table: 3 }))).toContain('book_table');
  });

  it('knows a call that never ended by what came of its arguments', () => {
    const events = callEvents([1_000, opened], [1_100, { type: 'tool_start', responseId: 'r', itemId: 'i', callId: 'c', toolName: 'book' }], [1_200, { type: 'tool_arguments_delta', itemId: 'i', callId: 'c', delta: '{"day":"to', textSoFar: '{"day":"to' }]);
    expect(events).toCallTool('book');
    expect(failure(() => expect(events).toCallTool('book', { day: 'tomorrow' }))).toContain('book({"day":"to) was called in turn 0, 100 ms into the call.');
  });
});

describe('toSayWithin', () => {
  it('measures from the end of the turn to the moment at which the words were heard', () => {
    expect(fixture('barge-in')).toSayWithin('there are A FEW', 300);
    expect(failure(() => expect(fixture('barge-in')).toSayWithin(/few good places/, 100))).toMatch(/it was heard after \d+ ms, turn 1, \d+ ms into the call: "There are a few good/);
    expect(fixture('greeting')).toSayWithin(/Good evening/, 1_000);
  });

  it('says what was said instead, and what was generated and not heard', () => {
    expect(failure(() => expect(fixture('barge-in')).toSayWithin(/pizza/, 5_000))).toMatch(/it said "There are .*" \(turn 1, \d+ ms .*\); "You are/);
    expect(failure(() => expect(fixture('barge-in')).toSayWithin(/baker/, 60_000))).toMatch(/it was generated, turn 1.* and not heard: of ".*baker.*" the listener heard "There are/);
    expect(failure(() => expect(callEvents([0, opened])).toSayWithin(/pizza/, 5_000))).toContain('the agent said nothing');
  });

  it('lays the text over the sound, and begins a turn where speech ended', () => {
    const events = callEvents([0, opened], [1_000, speechStarts], [2_000, speechStops], [2_500, sound('a', 1_000)], [2_500, said('a', 'aaaaa bbbbb')], [9_000, opened]);
    expect(events).toSayWithin(/aaaaa/, 500);
    expect(events).not.toSayWithin(/aaaaa/, 499);
    expect(events).toSayWithin(/bbbbb/, 500 + Math.ceil(6_000 / 11));
    expect(events).not.toSayWithin(/bbbbb/, 500 + Math.floor(6_000 / 11));
  });

  it('finds a pattern with the flags of a loop each time', () => {
    const pattern = /places/g;
    expect(fixture('barge-in')).toSayWithin(pattern, 3_000);
    expect(fixture('barge-in')).toSayWithin(pattern, 3_000);
  });
});

describe('toNeverSay', () => {
  it('is about what was heard, or with "generated" about every word', () => {
    expect(fixture('barge-in')).toNeverSay(/baker/);
    expect(fixture('barge-in')).not.toNeverSay(/baker/, { generated: true });
    expect(failure(() => expect(fixture('barge-in')).toNeverSay('market garage'))).toMatch(/never to say "market garage"; it did, turn 1, \d+ ms into the call: "There are/);
    expect(failure(() => expect(fixture('barge-in')).not.toNeverSay(/pizza/))).toContain('it said "There are');
  });

  it('does not count what was cut, nor what the end of the call left unplayed', () => {
    const heard = callEvents([0, opened], [1_000, sound('a', 2_000)], [1_000, said('a', 'A table is free. Call 555 now.')], [2_000, later]);
    expect(heard).toNeverSay(/555/);
    expect(callEvents([0, opened], [1_000, sound('a', 2_000)], [1_000, said('a', 'A table is free. Call 555 now.')], [3_000, later])).not.toNeverSay(/555/);
    expect(callEvents([0, opened], [1_000, sound('a', 2_000)], [1_500, said('a', 'Call 555 now.', { heardText: 'Call', heardMs: 500 })], [9_000, later])).toNeverSay(/555/);
  });
});

describe('toCostBelow', () => {
  const cost = (usd: number | 'unpriced', callUsd: number, unpricedResponses = 0): Told[1] => ({
    type: 'cost',
    of: 'response',
    responseId: 'r',
    usd,
    call: { usd: callUsd, responsesUsd: callUsd, transcriptionUsd: 0, unpricedResponses, unpricedTranscriptions: 0, unpricedModels: unpricedResponses === 0 ? [] : ['secret-model'] },
  });

  it('compares the whole of the call', () => {
    const events = callEvents([0, opened], [1_000, cost(0.03, 0.03)], [2_000, cost(0.01, 0.04)]);
    expect(events).toCostBelow(0.05);
    expect(failure(() => expect(events).toCostBelow(0.04))).toMatch(/less than \$0.04; it cost \$0.0400, the dearest response \$0.0300, turn 0, 1000 ms into the call/);
    expect(callEvents([0, opened])).toCostBelow(0.01);
  });

  it('fails for what has no price, with not as well, unless the priced part is too much already', () => {
    expect(failure(() => expect(fixture('barge-in')).toCostBelow(100))).toMatch(/2 responses and 1 transcriptions are unpriced \(emulator, emulated\), the first in turn 1, 2191 ms/);
    expect(failure(() => expect(fixture('barge-in')).not.toCostBelow(100))).toContain('unpriced');
    const half = callEvents([0, opened], [1_000, cost(0.03, 0.03)], [2_000, cost('unpriced', 0.03, 1)]);
    expect(failure(() => expect(half).toCostBelow(1))).toContain('unpriced (secret-model)');
    expect(half).not.toCostBelow(0.02);
  });

  it('fails when the model did not tell', () => {
    expect(failure(() => expect(callEvents([0, opened], [1_000, { type: 'agent_start', responseId: 'r' }])).toCostBelow(1))).toContain('did not tell its usage');
  });
});

describe('toHaveNoGapOver', () => {
  it('finds none in the recordings', () => {
    for (const name of ['barge-in', 'greeting', 'queued-items']) expect(fixture(name)).toHaveNoGapOver(1);
  });

  it('by the clock: finds where a player ran dry within an answer, not between answers', () => {
    const events = callEvents([0, opened], [1_000, sound('a', 500)], [1_700, sound('a', 500)], [4_000, sound('b', 500)], [9_000, later]);
    expect(events).toHaveNoGapOver(200);
    expect(failure(() => expect(events).toHaveNoGapOver(199))).toMatch(/longest of 1 was 200 ms, turn 0, 1500 ms into the call, in r-a/);
  });

  it('by reports: a late report is no gap, a pause that none makes up for is', () => {
    const events = callEvents([0, opened], [1_000, sound('a', 400)], [3_000, later]);
    const late = reported(events, 'a', [1_100, 100], [1_290, 200], [1_300, 300], [1_400, 400]);
    expect(late).toHaveNoGapOver(1);
    const dry = reported(events, 'a', [1_100, 100], [1_200, 200], [1_390, 300], [1_490, 400]);
    // The last slot was not full.
    expect(reported(events, 'a', [1_100, 100], [1_200, 200], [1_300, 205])).toHaveNoGapOver(0);
    expect(reported(events, 'a', [1_100, 100], [1_200, 200], [1_500, 205])).not.toHaveNoGapOver(250);
    expect(dry).toHaveNoGapOver(90);
    expect(failure(() => expect(dry).toHaveNoGapOver(89))).toContain('was 90 ms, turn 0, 1200 ms into the call');
  });

  it('does not take a hold for a gap', () => {
    const events = callEvents([0, opened], [1_000, sound('a', 1_000)], [1_300, { type: 'audio_paused', how: 'pause', epoch: 0 }], [1_700, { type: 'audio_resumed', epoch: 0 }], [9_000, later]);
    expect(events).toHaveNoGapOver(1);
  });

  it('fails on a call in which nothing was heard, with not as well', () => {
    expect(failure(() => expect(callEvents([0, opened])).toHaveNoGapOver(100))).toContain('nothing of the agent was heard');
    expect(failure(() => expect(callEvents([0, opened])).not.toHaveNoGapOver(100))).toContain('nothing of the agent was heard');
  });
});

describe('what is no call', () => {
  it.each([[42], [null], [{}], [[1, 2]], [[]]])('%j is refused', (value) => {
    expect(() => finishedCall(value)).toThrow(TypeError);
    expect(() => expect(value).toNeverSay(/x/)).toThrow(/This is no call/);
  });

  it('a file that is not there is named', () => {
    expect(() => expect('no-such.vw.jsonl').toNeverSay(/x/)).toThrow(HostError);
  });

  it('the recording of a wire is refused', () => {
    const recording = readRecording(fixture('barge-in'));
    expect(() => finishedCall({ ...recording, header: { ...recording.header, level: 'wire' } })).toThrow(/recording of a wire/);
  });
});
