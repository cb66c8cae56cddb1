/** A recording of any length, without playing the call: for what must stay usable for an hour. */
import { readFileSync, writeFileSync } from 'node:fs';
import { MULAW_8K, decodeWav, encodeMulaw, mixToMono, resampleWhole, wavHeader } from '../../audio/index.js';

const TURN_MS = 12_000;
const SPEECH_MS = 3_500;
const ANSWER_MS = 6_000;
const MIC_MS = 20;
const DELTA_MS = 100;
const REPORT_MS = 40;
const BYTES_PER_MS = 8;

/**
 * Writes `path` (which ends in `.vw.jsonl`) and its two tracks: a turn each 12 s, a tool call in each fifth, an interruption in each seventh; a chunk of
 * the microphone each 20 ms, and a report each 40 ms of what is heard. What is said is the same each time, and is speech.
 */
export function writeLongRecording(path: string, minutes: number): { readonly turns: number; readonly lines: number } {
  const turns = Math.floor((minutes * 60_000) / TURN_MS);
  const lines: string[] = [JSON.stringify(header())];
  const push = (at: number, dir: 'in' | 'out', leg: string, rest: object): void => void lines.push(JSON.stringify({ at, dir, leg, ...rest }));
  const event = (at: number, body: object): void => push(at, 'out', 'client', { type: 'event', event: { ...body, info: { sessionId: 'sess_long', agentName: 'Aurora', timestamp: at } } });
  push(0, 'in', 'internal', { type: 'start', agentName: 'Aurora', state: { ledger: { source: 'clock' } } });
  for (const track of ['caller', 'agent']) push(0, 'in', 'internal', { type: 'track', track, ...MULAW_8K });
  event(0, { type: 'connection', connection: { state: 'open' } });
  let agentBytes = 0;
  for (let turn = 0; turn < turns; turn += 1) {
    const timed: (() => void)[][] = [];
    const at = (ms: number, act: (nowMs: number) => void): void => void (timed[ms] ??= []).push(() => act(turn * TURN_MS + ms));
    for (let ms = MIC_MS; ms <= TURN_MS; ms += MIC_MS) {
      at(ms - 1, (now) => {
        const bytes = { $audio: 'caller', at: (turn * TURN_MS + ms - MIC_MS) * BYTES_PER_MS, bytes: MIC_MS * BYTES_PER_MS };
        push(now + 1, 'in', 'client', { type: 'input', input: { type: 'microphone', bytes, queuedBytes: 0 } });
        push(now + 1, 'out', 'model', { type: 'command', command: { type: 'append_audio', bytes } });
      });
    }
    const [itemId, responseId, userId] = [`item_${turn}`, `resp_${turn}`, `item_user_${turn}`];
    const toolMs = turn % 5 === 0 ? 400 : 0;
    const [committedMs, createdMs] = [SPEECH_MS + 500 + (turn % 9) * 10, SPEECH_MS + 530 + (turn % 9) * 10];
    const firstDeltaMs = createdMs + 160 + toolMs + ((turn * 37) % 140);
    at(300, (now) => event(now, { type: 'input_speech_started', itemId: userId, audioStartMs: turn * TURN_MS }));
    at(committedMs, (now) => {
      event(now, { type: 'input_speech_stopped', itemId: userId, audioEndMs: turn * TURN_MS + SPEECH_MS });
      event(now, { type: 'input_committed', itemId: userId });
      event(now, { type: 'history_updated', changes: [{ op: 'insert', afterItemId: null, item: { type: 'message', itemId: userId, role: 'user', status: 'completed', text: 'I would like to book a table for two, tomorrow at seven, please.', spoken: true, images: 0 } }] });
    });
    at(createdMs, (now) => event(now, { type: 'agent_start', responseId }));
    // As much besides as a session tells: what the model says that means nothing to it, and each change of the history.
    for (let other = 0; other < 12; other += 1) {
      at(createdMs + 1 + other * 10, (now) => event(now, { type: 'raw_model_event', name: 'response.content_part.added', raw: { type: 'response.content_part.added', event_id: `event_${turn}_${other}`, response_id: responseId, item_id: itemId, part: { type: 'audio', transcript: 'x'.repeat(400) } } }));
      at(createdMs + 5 + other * 10, (now) => event(now, { type: 'history_updated', changes: [{ op: 'update', item: { type: 'message', itemId, role: 'assistant', status: 'in_progress', responseId, text: 'x'.repeat(300), spoken: true, heardText: '', unheardText: '' } }] }));
    }
    if (toolMs > 0) {
      at(createdMs + 60, (now) => event(now, { type: 'tool_start', responseId, itemId: `${itemId}_call`, callId: `call_${turn}`, toolName: 'book_table' }));
      at(createdMs + 100 + toolMs, (now) => event(now, { type: 'tool_end', itemId: `${itemId}_call`, callId: `call_${turn}`, toolName: 'book_table', arguments: '{"people":2}', output: '{"table":12}', outcome: 'ok', durationMs: toolMs }));
    }
    const interruptedMs = turn % 7 === 3 ? 2_960 : ANSWER_MS;
    for (let sent = 0; sent < ANSWER_MS; sent += DELTA_MS) {
      at(firstDeltaMs + sent / 4, (now) => {
        const bytes = { $audio: 'agent', at: agentBytes, bytes: DELTA_MS * BYTES_PER_MS };
        agentBytes += DELTA_MS * BYTES_PER_MS;
        push(now, 'in', 'model', { type: 'input', input: { type: 'from_model', attemptId: 1, input: { type: 'audio_delta', responseId, itemId, contentIndex: 0, bytes } } });
        event(now, { type: 'audio', responseId, itemId, contentIndex: 0, epoch: 0, chunk: { bytes, format: MULAW_8K, firstSample: sent * BYTES_PER_MS } });
        if (sent % 400 === 0) event(now, { type: 'transcript_delta', role: 'agent', itemId, delta: ' and so on' });
      });
    }
    at(firstDeltaMs, (now) => event(now, { type: 'turn_metrics', turnId: `turn_${turn}`, responseId, marks: { speechEndMs: turn * TURN_MS + SPEECH_MS, endpointDecidedMs: turn * TURN_MS + committedMs, committedMs: turn * TURN_MS + committedMs, responseCreatedMs: turn * TURN_MS + createdMs, firstDeltaMs: now, firstFrameSentMs: now, firstFrameHeardMs: now + 45 } }));
    at(firstDeltaMs + ANSWER_MS / 4, (now) => {
      event(now, { type: 'audio_end', responseId, itemId, contentIndex: 0, durationMs: ANSWER_MS });
      event(now, { type: 'cost', of: 'response', responseId, model: 'm', usd: 0.011, call: { usd: 0.011 * (turn + 1), responsesUsd: 0.011 * (turn + 1), transcriptionUsd: 0, unpricedResponses: 0, unpricedTranscriptions: 0, unpricedModels: [] } });
      event(now, { type: 'agent_end', responseId, outcome: 'completed', text: 'With pleasure. You have table 12, and so on.', usage: { totalTokens: 320 + turn, inputTokens: 200 + turn, outputTokens: 120, input: { text: 40, audio: 160 + turn, image: 0, cached: 0 }, output: { text: 20, audio: 100 } } });
    });
    for (let heard = REPORT_MS; heard <= interruptedMs; heard += REPORT_MS) {
      at(firstDeltaMs + 45 + heard, (now) => push(now, 'in', 'client', { type: 'input', input: { type: 'playback', report: { itemId, contentIndex: 0, samples: heard * BYTES_PER_MS } } }));
    }
    if (interruptedMs < ANSWER_MS) at(firstDeltaMs + 45 + interruptedMs, (now) => event(now, { type: 'audio_interrupted', epoch: 1, itemId, responseId, contentIndex: 0, heardMs: interruptedMs, heardText: 'With pleasure. You have', unheardText: ' table 12, and so on.' }));
    timed.forEach((acts) => acts.forEach((act) => act()));
  }
  push(turns * TURN_MS, 'in', 'internal', { type: 'end', lines: lines.length });
  writeFileSync(path, `${lines.join('\n')}\n`);
  writeTrack(path, 'caller', callerTrack(turns));
  writeTrack(path, 'agent', repeated(speech('../../fixtures/voice/you-have-table-12-and.wav', ANSWER_MS), turns));
  return { turns, lines: lines.length };
}

function header(): object {
  return { format: 'voicewire-recording', version: 1, level: 'session', sessionId: 'sess_long', clockMs: 0, startedAt: '2026-01-01T10:00:00.000Z', peers: { voicewire: '0.1.0', model: 'a model' }, audio: { keep: 'files', input: MULAW_8K, output: MULAW_8K }, redaction: { rules: [], patterns: 0, secrets: 0 } };
}

/** Speech from a fixture, as long as it is to be, in the middle of the scale. */
function speech(file: string, ms: number): Uint8Array {
  const wav = decodeWav(readFileSync(new URL(file, import.meta.url)));
  const bytes = encodeMulaw(resampleWhole(mixToMono(wav.samples, wav.channels), wav.sampleRate, MULAW_8K.sampleRate));
  return repeated(bytes, Math.ceil((ms * BYTES_PER_MS) / bytes.length)).subarray(0, ms * BYTES_PER_MS);
}

function callerTrack(turns: number): Uint8Array {
  const turn = new Uint8Array(TURN_MS * BYTES_PER_MS).fill(0xff);
  // From where the fixture's words begin.
  turn.set(speech('../../fixtures/audio/caller-book.wav', SPEECH_MS + 400).subarray(400 * BYTES_PER_MS));
  return repeated(turn, turns);
}

function repeated(bytes: Uint8Array, times: number): Uint8Array {
  const all = new Uint8Array(bytes.length * times);
  for (let index = 0; index < times; index += 1) all.set(bytes, index * bytes.length);
  return all;
}

function writeTrack(path: string, track: string, bytes: Uint8Array): void {
  writeFileSync(path.replace(/\.vw\.jsonl$/, `.${track}.wav`), Buffer.concat([wavHeader({ ...MULAW_8K, dataBytes: bytes.length }), bytes]));
}
