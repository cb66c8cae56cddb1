import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { startEmulator } from '../../../src/emulator/index.js';
import { EmulatorClient, callerAudio } from './emulator-client.js';
import type { WireEvent } from './emulator-client.js';
import { SessionDriver } from './session-driver.js';

const TOOL = { type: 'function', name: 'book_table', parameters: { type: 'object' } };

interface Response {
  id: string;
  status: string;
  status_details: { reason: string } | null;
  output: { id: string; type: string; status: string; call_id: string; content: { transcript: string }[] }[];
  usage: { input_tokens: number; output_tokens: number; total_tokens: number; input_token_details: { text_tokens: number; audio_tokens: number }; output_token_details: { text_tokens: number; audio_tokens: number } };
}
const responseOf = (event: WireEvent | undefined): Response => event?.['response'] as Response;

describe('the call of caller.wav', () => {
  const { turns } = JSON.parse(readFileSync(new URL('../../../fixtures/audio/caller-turns.json', import.meta.url), 'utf8')) as { turns: { says: string; startMs: number; endMs: number; bargeIn: boolean }[] };

  test('goes as the demo script says: every turn is heard after the answer before it, but for the last, which is spoken over a long one', async () => {
    const pcm = callerAudio('caller.wav');
    const driver = new SessionDriver();
    driver.send({ type: 'session.update', session: { type: 'realtime', tools: [TOOL], audio: { input: { transcription: { model: 'm' } } } } });
    driver.send({ type: 'response.create' });
    // As a caller with a microphone: 20 ms every 20 ms. Its client books the table as soon as it is asked to.
    const answered = new Set<unknown>();
    for (let at = 0; at < pcm.length; at += 960) {
      await driver.advance(20);
      driver.append(pcm.subarray(at, at + 960));
      const call = driver.events.find((event) => event.type === 'response.done' && responseOf(event).output[0]?.type === 'function_call');
      if (call === undefined || answered.has(call)) continue;
      answered.add(call);
      driver.send({ type: 'conversation.item.create', item: { type: 'function_call_output', call_id: responseOf(call).output[0]?.call_id, output: '{"table":12,"reference":"V-4711"}' } });
      driver.send({ type: 'response.create' });
    }
    await driver.advance(10_000);

    expect(driver.events.filter((event) => event.type === 'error')).toEqual([]);
    expect(driver.events.filter((event) => event.type.endsWith('transcription.completed')).map((event) => event['transcript'])).toEqual(turns.map((turn) => turn.says));
    const said = driver.events.filter((event) => event.type === 'response.output_audio_transcript.done').map((event) => event['transcript'] as string);
    expect(said.map((text) => text.split('.')[0]?.split(',')[0])).toEqual(['Good evening', 'With pleasure', 'There are a few good places close to us', 'You are welcome']);
    expect(said[1]).toBe('With pleasure. You have table 12, and your reference is V-4711.');

    // Where each answer would be heard, if it is played as it comes.
    const heard = said.map((_, index) => {
      const done = driver.events.filter((event) => event.type === 'response.output_audio.done')[index] as WireEvent;
      const pieces = driver.events.map((event, at) => ({ event, at })).filter(({ event }) => event.type === 'response.output_audio.delta' && event['item_id'] === done['item_id']);
      const startMs = driver.timesMs[pieces[0]?.at ?? 0] as number;
      return { startMs, endMs: startMs + pieces.reduce((sum, { event }) => sum + Buffer.from(event['delta'] as string, 'base64').length / 48, 0) };
    });
    const spoken = driver.events.flatMap((event, at) => (event.type === 'input_audio_buffer.speech_started' ? [driver.timesMs[at] as number] : []));
    expect(spoken).toHaveLength(turns.length);
    turns.forEach((turn, index) => {
      const before = heard[index] as { startMs: number; endMs: number };
      // The sign of speech comes 100 ms after the speech, and a little for flite's soft beginnings.
      expect((spoken[index] as number) - turn.startMs).toBeGreaterThanOrEqual(80);
      expect((spoken[index] as number) - turn.startMs).toBeLessThan(300);
      if (turn.bargeIn) {
        expect(turn.startMs - before.startMs).toBeGreaterThan(2_500);
        expect(before.endMs - turn.startMs).toBeGreaterThan(5_000);
      } else expect(turn.startMs).toBeGreaterThan(before.endMs + 300);
    });
    const last = heard.at(-1) as { endMs: number };
    expect(last.endMs).toBeLessThan(pcm.length / 48);
  });
});

describe('the pace', () => {
  test.each([1, 8, 50])('of %i sends the sound that many times faster than it lasts, and the words before their sound', async (pace) => {
    const driver = new SessionDriver({ pace });
    driver.send({ type: 'conversation.item.create', item: { type: 'message', role: 'user', content: [{ type: 'input_text', text: 'Where can I park?' }] } });
    driver.send({ type: 'response.create' });
    await driver.advance(20_000);
    let soundMs = 0;
    let words = '';
    const pieces: { atMs: number; fromMs: number; words: string }[] = [];
    driver.events.forEach((event, index) => {
      if (event.type === 'response.output_audio_transcript.delta') words += event['delta'] as string;
      if (event.type !== 'response.output_audio.delta') return;
      const ms = Buffer.from(event['delta'] as string, 'base64').length / 48;
      expect(ms).toBeGreaterThanOrEqual(100);
      expect(ms).toBeLessThanOrEqual(400);
      pieces.push({ atMs: driver.timesMs[index] as number, fromMs: soundMs, words });
      soundMs += ms;
    });
    const first = pieces[0] as { atMs: number; words: string };
    expect(first.words.split(' ').length).toBeGreaterThanOrEqual(3);
    for (const piece of pieces) {
      expect(piece.atMs - first.atMs).toBeCloseTo(piece.fromMs / pace, 6);
      // As much of the text has come as of the sound, and more.
      expect(piece.words.length / words.length).toBeGreaterThanOrEqual(piece.fromMs / soundMs);
    }
  });
});

describe('a cancel', () => {
  const ends = (driver: SessionDriver, cancel: object = { type: 'response.cancel' }): { types: string[]; response: Response } => {
    const events = driver.send(cancel);
    return { types: events.map((event) => event.type), response: responseOf(events.at(-1)) };
  };

  test('while the model thinks: nothing but the end, with an empty output and no usage', async () => {
    const driver = new SessionDriver();
    driver.send({ type: 'response.create' });
    const { types, response } = ends(driver);
    expect(types).toEqual(['response.done']);
    expect(response).toMatchObject({ status: 'cancelled', status_details: { type: 'cancelled', reason: 'client_cancelled' }, output: [], usage: { total_tokens: 0, input_tokens: 0, output_tokens: 0 } });
    expect(await driver.advance(10_000)).toEqual([]);
  });

  test('of a written answer', async () => {
    const driver = new SessionDriver();
    driver.send({ type: 'response.create', response: { output_modalities: ['text'] } });
    await driver.advance(150);
    const { types, response } = ends(driver);
    expect(types).toEqual(['response.output_text.done', 'response.content_part.done', 'conversation.item.done', 'response.output_item.done', 'response.done']);
    expect(response.output[0]?.status).toBe('incomplete');
  });

  test('of a call: its arguments are never done', async () => {
    const driver = new SessionDriver();
    driver.send({ type: 'session.update', session: { type: 'realtime', tools: [TOOL] } });
    driver.send({ type: 'conversation.item.create', item: { type: 'message', role: 'user', content: [{ type: 'input_text', text: 'book' }] } });
    driver.send({ type: 'response.create' });
    await driver.advance(150);
    const { types, response } = ends(driver);
    expect(types).toEqual(['conversation.item.done', 'response.output_item.done', 'response.done']);
    expect(response.output).toMatchObject([{ type: 'function_call', status: 'incomplete' }]);
  });

  test('by its id, of a response beside the conversation: the other one goes on', async () => {
    const driver = new SessionDriver({ pace: 1 });
    const main = responseOf(driver.send({ type: 'response.create' })[0]);
    const side = responseOf(driver.send({ type: 'response.create', response: { conversation: 'none', metadata: { purpose: 'side' } } })[0]);
    await driver.advance(1_000);
    const { types, response } = ends(driver, { type: 'response.cancel', response_id: side.id });
    expect(types).toEqual(['response.output_audio.done', 'response.output_audio_transcript.done', 'response.content_part.done', 'response.output_item.done', 'response.done']);
    expect(response).toMatchObject({ id: side.id, conversation_id: null, metadata: { purpose: 'side' } });
    const later = await driver.advance(20_000);
    expect(later.filter((event) => 'response_id' in event).every((event) => event['response_id'] === main.id)).toBe(true);
    expect(responseOf(later.find((event) => event.type === 'response.done'))).toMatchObject({ id: main.id, status: 'completed' });
  });

  test('of an item that was deleted meanwhile: the response still ends, without it in the conversation', async () => {
    const driver = new SessionDriver({ pace: 1 });
    driver.send({ type: 'response.create' });
    const started = await driver.advance(500);
    const item = started.find((event) => event.type === 'conversation.item.added')?.['item'] as { id: string };
    expect(driver.send({ type: 'conversation.item.delete', item_id: item.id })[0]?.type).toBe('conversation.item.deleted');
    const { types } = ends(driver);
    expect(types).toEqual(['response.output_audio.done', 'response.output_audio_transcript.done', 'response.content_part.done', 'response.output_item.done', 'response.done']);
  });
});

describe('usage', () => {
  test('counts a token for 100 ms heard and for 50 ms said, and adds up', async () => {
    const driver = new SessionDriver();
    driver.append(callerAudio('caller-hello.wav'));
    await driver.advance(20_000);
    const bounds = driver.events.flatMap((event) => (event['audio_start_ms'] ?? event['audio_end_ms']) as number | undefined ?? []);
    const saidMs = driver.events.filter((event) => event.type === 'response.output_audio.delta').reduce((sum, event) => sum + Buffer.from(event['delta'] as string, 'base64').length / 48, 0);
    const { usage } = responseOf(driver.events.find((event) => event.type === 'response.done'));
    expect(usage.input_token_details.audio_tokens).toBe(Math.round(((bounds[1] as number) - (bounds[0] as number)) / 100));
    expect(usage.output_token_details.audio_tokens).toBe(Math.round(saidMs / 50));
    expect(usage.total_tokens).toBe(usage.input_tokens + usage.output_tokens);
    expect(usage.output_tokens).toBe(usage.output_token_details.text_tokens + usage.output_token_details.audio_tokens);
  });
});

describe('the session takes', () => {
  const update = (session: object): object => ({ type: 'session.update', session: { type: 'realtime', ...session } });

  test('semantic detection, which waits longer the less eager it is', () => {
    const stops = ['high', 'medium', 'low'].map((eagerness) => {
      const driver = new SessionDriver();
      driver.send(update({ audio: { input: { turn_detection: { type: 'semantic_vad', eagerness, create_response: false } } } }));
      const stopped = [...driver.append(callerAudio('caller-hello.wav')), ...driver.append(new Uint8Array(48_000))].find((event) => event.type.endsWith('speech_stopped'));
      return stopped?.['audio_end_ms'] as number;
    });
    expect([(stops[1] as number) - (stops[0] as number), (stops[2] as number) - (stops[1] as number)]).toEqual([300, 500]);
  });

  test('no transcription: the turn is answered, and never transcribed', async () => {
    const driver = new SessionDriver();
    driver.append(callerAudio('caller-hello.wav'));
    await driver.advance(20_000);
    expect(driver.events.some((event) => event.type === 'response.done')).toBe(true);
    expect(driver.events.some((event) => event.type.includes('transcription'))).toBe(false);
  });

  test('what only models that reason have, and echoes it from then on', () => {
    const driver = new SessionDriver();
    expect(driver.events[0]?.['session']).not.toHaveProperty('reasoning');
    driver.send(update({ reasoning: { effort: 'low' }, parallel_tool_calls: true }));
    expect(driver.send(update({ instructions: 'x' }))[0]?.['session']).toMatchObject({ reasoning: { effort: 'low' }, parallel_tool_calls: true, instructions: 'x' });
    expect(driver.send(update({ reasoning: { effort: 'huge' } }))[0]?.['error']).toMatchObject({ code: 'invalid_value', param: 'session.reasoning.effort' });
  });

  test('eight million characters of conversation and no more; what is deleted makes room', () => {
    const driver = new SessionDriver();
    const long = (id: string): object => ({ type: 'conversation.item.create', item: { id, type: 'function_call_output', call_id: 'c', output: 'x'.repeat(1_000_000) } });
    for (let count = 0; count < 8; count += 1) expect(driver.send(long(`item-${count}`))[0]?.type).toBe('conversation.item.added');
    expect(driver.send(long('one-more'))[0]?.['error']).toMatchObject({ code: 'conversation_full' });
    driver.send({ type: 'conversation.item.delete', item_id: 'item-3' });
    expect(driver.send(long('one-more'))[0]?.type).toBe('conversation.item.added');
  });

  test('speech over a written answer that runs: it is cancelled as a spoken one is', async () => {
    const driver = new SessionDriver();
    driver.send(update({ output_modalities: ['text'] }));
    driver.send({ type: 'response.create' });
    await driver.advance(150);
    const events = driver.append(callerAudio('caller-stop.wav').subarray(0, 48_000));
    expect(events.map((event) => event.type)).toEqual(['input_audio_buffer.speech_started', 'response.output_text.done', 'response.content_part.done', 'conversation.item.done', 'response.output_item.done', 'response.done']);
    expect(responseOf(events.at(-1)).status_details?.reason).toBe('turn_detected');
  });
});

describe('a turn by hand', () => {
  test('of exactly 100 ms is taken, one sample less is not', () => {
    const driver = new SessionDriver();
    driver.send({ type: 'session.update', session: { type: 'realtime', audio: { input: { turn_detection: null } } } });
    driver.append(new Uint8Array(4_798));
    expect(driver.send({ type: 'input_audio_buffer.commit' })[0]?.['error']).toMatchObject({ code: 'input_audio_buffer_commit_empty' });
    driver.append(new Uint8Array(2));
    expect(driver.send({ type: 'input_audio_buffer.commit' }).map((event) => event.type)).toEqual(['input_audio_buffer.committed', 'conversation.item.added', 'conversation.item.done']);
    expect(driver.send({ type: 'input_audio_buffer.commit' })[0]?.['error']).toMatchObject({ code: 'input_audio_buffer_commit_empty', message: expect.stringContaining('0.00ms') });
  });

  test('in the middle of detected speech takes what was said so far', () => {
    const driver = new SessionDriver();
    const pcm = callerAudio('caller-book.wav');
    const started = driver.append(pcm.subarray(0, 96_000));
    expect(started.map((event) => event.type)).toEqual(['input_audio_buffer.speech_started']);
    const [committed] = driver.send({ type: 'input_audio_buffer.commit' });
    expect(committed).toMatchObject({ type: 'input_audio_buffer.committed', item_id: started[0]?.['item_id'] });
  });
});

describe('a session', () => {
  test('is the same for the same seed, time and input, and has other ids for another seed', async () => {
    const play = async (seed: number): Promise<WireEvent[]> => {
      const driver = new SessionDriver({ seed });
      driver.append(callerAudio('caller-hello.wav'));
      await driver.advance(5_000);
      return driver.events;
    };
    const first = await play(7);
    expect(first.length).toBeGreaterThan(30);
    expect(await play(7)).toEqual(first);
    const ids = new Set(first.map((event) => event.event_id));
    expect((await play(8)).filter((event) => ids.has(event.event_id))).toEqual([]);
  });
});

describe('the parrot', () => {
  test('keeps the last minute of a longer turn', async () => {
    const driver = new SessionDriver({ mode: 'parrot', pace: 1_000 });
    driver.send({ type: 'session.update', session: { type: 'realtime', audio: { input: { turn_detection: null } } } });
    const minute = new Uint8Array(60 * 48_000).fill(1);
    driver.append(new Uint8Array(10 * 48_000));
    driver.append(minute);
    driver.send({ type: 'input_audio_buffer.commit' });
    driver.send({ type: 'response.create' });
    await driver.advance(5_000);
    const back = Buffer.concat(driver.events.filter((event) => event.type === 'response.output_audio.delta').map((event) => Buffer.from(event['delta'] as string, 'base64')));
    expect(back.length).toBe(minute.length);
    expect(back.equals(minute)).toBe(true);
  });
});

describe('the parrot, over a socket', () => {
  test('greets, repeats typed text in its own voice, and spoken turns in the caller\'s', async () => {
    await using emulator = await startEmulator({ mode: 'parrot', pace: 100, thinkMs: 0 });
    const client = await EmulatorClient.open(emulator.url);
    const said = async (from: number): Promise<unknown> => (await client.next('response.output_audio_transcript.done', from))['transcript'];
    client.send({ type: 'response.create' });
    expect(await said(0)).toBe('Say something, and I will say it back.');
    await client.next('response.done');
    let from = client.events.length;
    client.send({ type: 'conversation.item.create', item: { type: 'message', role: 'user', content: [{ type: 'input_text', text: 'You are welcome.' }] } });
    client.send({ type: 'response.create' });
    expect(await said(from)).toBe('You are welcome.');
    await client.next('response.done', from);
    from = client.events.length;
    client.speak(callerAudio('caller-hello.wav'));
    expect(await said(from)).toMatch(/^\(your own voice, \d\.\d s\)$/);
    await client.close();
  });
});
