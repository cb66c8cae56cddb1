import { describe, expect, it } from 'vitest';
import { pcm16ToSamples } from '../../../audio/index.js';
import type { PipelineEvent } from '../../../session/index.js';
import { joinSamples } from '../../audio/helpers/random.js';
import { random } from '../../helpers/random.js';
import { NOTHING_OPEN, SAMPLE_RATE, randomConversation } from '../../helpers/random-conversation.js';
import type { RandomConversation } from '../../helpers/random-conversation.js';
import { voiceOf } from '../../helpers/scripted-stages.js';
import { settle } from '../../helpers/settle.js';

/** Stages whose failure cuts an answer short. */
const OF_ANSWER = new Set(['workflow', 'split', 'synthesise', 'postprocess', 'playback']);

interface TurnStory {
  readonly turn: number;
  outcome?: string;
  readonly audio: Extract<PipelineEvent, { type: 'voice_stream_event_audio' }>[];
  agentText: string;
  readonly spoken: string[];
  interrupted?: Extract<PipelineEvent, { type: 'voice_stream_event_interrupted' }>;
  cutShort: boolean;
}

/** Reads the events turn by turn, and says what is wrong with their order. */
function turnsOf(events: readonly PipelineEvent[]): { turns: TurnStory[]; faults: string[] } {
  const turns: TurnStory[] = [];
  const faults: string[] = [];
  let current: TurnStory | undefined;
  let lastMs = 0;
  for (const [at, event] of events.entries()) {
    const { turn, timestamp } = event.info;
    if (timestamp < lastMs) faults.push(`time goes back at ${at}`);
    lastMs = timestamp;
    if (turn !== (current?.turn ?? 0) && !('event' in event && event.event === 'turn_started')) faults.push(`${event.type} ${at} is of turn ${turn}, in turn ${current?.turn}`);
    switch (event.type) {
      case 'voice_stream_event_lifecycle':
        if (event.event === 'turn_started') {
          if (current !== undefined || turn !== turns.length + 1) faults.push(`turn ${turn} starts at ${at}`);
          turns.push((current = { turn, audio: [], agentText: '', spoken: [], cutShort: false }));
        } else if (event.event === 'turn_ended') {
          if (current === undefined) faults.push(`turn ${turn} ends at ${at}`);
          else current.outcome = event.outcome;
          current = undefined;
        } else if (current !== undefined || at !== events.length - 1) faults.push(`session_ended at ${at}`);
        break;
      case 'voice_stream_event_audio':
        if (current?.interrupted !== undefined) faults.push(`sound after the interruption at ${at}`);
        current?.audio.push(event);
        break;
      case 'voice_stream_event_transcript':
        if (event.of === 'agent' && current !== undefined) {
          current.agentText += event.text;
          if (event.text.trim() !== '') current.spoken.push(event.text.trim());
        }
        break;
      case 'voice_stream_event_interrupted':
        if (current === undefined || current.interrupted !== undefined) faults.push(`interrupted at ${at}`);
        else Object.assign(current, { interrupted: event, cutShort: true });
        break;
      case 'voice_stream_event_error':
        if (current !== undefined && OF_ANSWER.has(event.stage)) current.cutShort = true;
        break;
      case 'voice_stream_event_speech':
      case 'voice_stream_event_microphone':
        break;
    }
  }
  if (current !== undefined) faults.push(`turn ${current.turn} has no end`);
  return { turns, faults };
}

/** Everything that must hold of a finished conversation; what does not, in words. */
function faultsOf({ events, workflow }: RandomConversation): string[] {
  const { turns, faults } = turnsOf(events);
  const must = (holds: boolean, what: string): void => void (holds || faults.push(what));
  const last = events.at(-1);
  must(last !== undefined && 'event' in last && last.event === 'session_ended', 'session_ended is not the last event');
  for (const { turn, outcome, audio, spoken, agentText, interrupted, cutShort } of turns) {
    const sound = joinSamples(audio.map(({ data }) => pcm16ToSamples(data)));
    const whole = joinSamples(spoken.flatMap((text) => voiceOf(text, SAMPLE_RATE)));
    // Of an answer that was cut short there is a beginning; of any other, all.
    if (outcome === 'answered') must(sound.length === whole.length, `turn ${turn}: ${sound.length} samples of ${whole.length}`);
    must(Buffer.from(sound.buffer).equals(Buffer.from(whole.buffer, 0, sound.byteLength)), `turn ${turn}: other sound than was made`);
    for (const [index, event] of audio.entries()) {
      const before = audio[index - 1];
      const expected = before === undefined || before.contentIndex !== event.contentIndex ? 0 : before.firstSample + before.data.length / 2;
      must(event.firstSample === expected, `turn ${turn}: a piece at ${event.firstSample}, not ${expected}`);
    }
    if (interrupted !== undefined) {
      const { heardMs, heardText, unheardText } = interrupted;
      must(outcome === 'interrupted', `turn ${turn}: interrupted and ${outcome}`);
      must(heardMs <= (sound.length * 1000) / SAMPLE_RATE, `turn ${turn}: heard more than was sent`);
      // What went to be spoken is the beginning of all that was said, and what was heard is the beginning of that.
      must((heardText + unheardText).startsWith(agentText.trimEnd()) && agentText.startsWith(heardText), `turn ${turn}: heard what was not said`);
    }
    must(!cutShort || outcome === 'interrupted' || outcome === 'failed', `turn ${turn}: cut short and ${outcome}`);
  }
  // The workflow is told of each answer that was cut short, once, and of no other.
  const told = workflow.told.map(({ heardText, unheardText }) => `${heardText}|${unheardText}`);
  must(told.length === turns.filter(({ cutShort }) => cutShort).length, `told ${told.length} times`);
  for (const { interrupted } of turns) must(interrupted === undefined || told.includes(`${interrupted.heardText}|${interrupted.unheardText}`), 'told otherwise than the events');
  return faults;
}

describe('any conversation of a pipeline', () => {
  it('has well-formed events, the sound that was made, nothing after an interruption, and an end', async () => {
    const rng = random();
    const seen = new Set<string>();
    for (let round = 0; round < 1_000; round += 1) {
      const where = `seed ${rng.seed}, round ${round}`;
      const conversation = randomConversation(rng);
      const { clock, microphone, events } = conversation;
      await settle();
      for (let left = rng.int(1, 12); left > 0; left -= 1) await conversation.next();
      microphone.end(rng.next() < 0.1 ? { error: new Error('gone') } : {});
      await clock.run(60_000);
      expect(conversation.isOver(), where).toBe(true);
      expect(await conversation.done, where).toBeUndefined();
      expect(faultsOf(conversation), where).toEqual([]);
      expect(conversation.open(), where).toEqual(NOTHING_OPEN);
      for (const event of events) seen.add('outcome' in event ? event.outcome : 'stage' in event ? `${event.stage} ${event.error.code}` : event.type);
    }
    // What a test of chance has not met it has not tested.
    for (const kind of ['answered', 'unanswered', 'interrupted', 'failed', 'input STAGE_FAILED', 'recognise STAGE_TIMEOUT', 'workflow STAGE_FAILED', 'workflow STAGE_TIMEOUT', 'synthesise STAGE_FAILED', 'synthesise STAGE_TIMEOUT', 'playback PLAYBACK_STALLED']) {
      expect([...seen], `seed ${rng.seed}`).toContain(kind);
    }
  });
});

describe('a conversation that is given up', () => {
  it.each(['by its signal', 'by leaving the loop'])('at any moment, %s, leaves nothing running', async (how) => {
    const rng = random();
    for (let round = 0; round < 300; round += 1) {
      const where = `seed ${rng.seed}, round ${round}`;
      const cancel = new AbortController();
      const conversation = randomConversation(rng, cancel.signal);
      const { clock } = conversation;
      for (let left = rng.int(0, 10); left > 0; left -= 1) await conversation.next();
      await clock.run(rng.int(0, 500));
      const reason = new Error('hung up');
      if (how === 'by its signal') {
        const wasOver = conversation.isOver();
        const count = conversation.events.length;
        cancel.abort(reason);
        // A reader that is slow sees it when it comes back.
        await clock.run(400);
        expect(await conversation.done, where).toBe(wasOver ? undefined : reason);
        expect(conversation.events.length, where).toBeLessThanOrEqual(count + 1);
      } else {
        conversation.leave();
        // Something happens, so that the loop has an event to leave at.
        if (!conversation.isOver()) conversation.pipeline.sendText('Bye.');
        await clock.run(400);
        expect(await conversation.done, where).toBeUndefined();
      }
      expect(conversation.open(), where).toEqual(NOTHING_OPEN);
    }
  });
});
