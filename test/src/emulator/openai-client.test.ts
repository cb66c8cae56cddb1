import { connect } from 'node:net';
import OpenAI from 'openai';
import { OpenAIRealtimeWS } from 'openai/realtime/ws';
import type { RealtimeServerEvent } from 'openai/resources/realtime/realtime';
import { expect, test } from 'vitest';
import { createVoice, startEmulator } from '../../../src/emulator/index.js';
import { callerAudio } from './emulator-client.js';

// The official client, as its users use it. It insists on wss; a plain connection handed to it makes it talk to a server without TLS.

test('the official client holds a spoken turn, a tool call and the answer that quotes it', async () => {
  await using emulator = await startEmulator({ apiKey: 'sk-test', voice: createVoice({ synthesizers: [] }), pace: 100, thinkMs: 5 });
  const client = new OpenAI({ apiKey: 'sk-test', baseURL: `http://127.0.0.1:${emulator.port}/v1` });
  const realtime = new OpenAIRealtimeWS({ model: 'gpt-realtime', options: { createConnection: () => connect(emulator.port, '127.0.0.1') } }, client);
  const seen: RealtimeServerEvent[] = [];
  const transcript = await new Promise<string>((resolve, reject) => {
    realtime.on('error', reject);
    realtime.on('event', (event) => seen.push(event));
    realtime.on('session.created', () => {
      realtime.send({
        type: 'session.update',
        session: { type: 'realtime', output_modalities: ['audio'], tools: [{ type: 'function', name: 'book_table', description: 'Books.', parameters: { type: 'object' } }], audio: { input: { transcription: { model: 'whisper-1' } } } },
      });
    });
    realtime.on('session.updated', () => realtime.send({ type: 'input_audio_buffer.append', audio: Buffer.from(callerAudio('caller-book.wav')).toString('base64') }));
    realtime.on('response.done', ({ response }) => {
      const call = response.output?.[0];
      if (call?.type !== 'function_call') return;
      realtime.send({ type: 'conversation.item.create', item: { type: 'function_call_output', call_id: call.call_id ?? '', output: '{"table":12,"reference":"V-4711"}' } });
      realtime.send({ type: 'response.create' });
    });
    realtime.on('response.output_audio_transcript.done', (event) => resolve(event.transcript));
  });
  expect(transcript).toBe('With pleasure. You have table 12, and your reference is V-4711.');
  expect(seen.some((event) => event.type === 'response.output_audio.delta')).toBe(true);
  realtime.close();
});
