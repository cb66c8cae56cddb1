import { expect, test } from 'vitest';
import { PCM16_24K } from '../../../../audio/index.js';
import type { ModelClose, ModelInput } from '../../../../session/index.js';
import { scriptedModel } from '../../../../src/provider/scripted/scripted-model.js';
import type { ScriptedModel } from '../../../../src/provider/scripted/scripted-model.js';

const config = { outputModality: 'audio', inputFormat: PCM16_24K, outputFormat: PCM16_24K, tools: [] } as const;

async function connectTo(model: ScriptedModel, signal: AbortSignal = new AbortController().signal) {
  const inputs: ModelInput[] = [];
  const closes: ModelClose[] = [];
  const connection = await model.connect({ signal, onInput: (input) => inputs.push(input), onClose: (close) => closes.push(close) });
  return { connection, inputs, closes };
}

test('greets, and confirms a configuration with its own formats', async () => {
  const model = scriptedModel();
  const { connection, inputs } = await connectTo(model);
  await model.connected;
  connection.send({ type: 'configure', eventId: 'e1', config });
  await model.waitForCommand('configure');
  await Promise.resolve();
  expect(inputs).toEqual([
    { type: 'model_session_created', modelSessionId: 'sess_scripted_1' },
    { type: 'model_session_configured', inputFormat: PCM16_24K, outputFormat: PCM16_24K },
  ]);
});

test('keeps copies of the audio, and resolves a wait for a later command', async () => {
  const model = scriptedModel({ autoConfigure: false });
  const { connection, inputs } = await connectTo(model);
  const second = model.waitForCommand('append_audio', 2);
  const bytes = new Uint8Array([1, 2]);
  connection.send({ type: 'append_audio', bytes });
  bytes.fill(9);
  connection.send({ type: 'append_audio', bytes });
  expect((await second).bytes).toEqual(new Uint8Array([9, 9]));
  expect(model.commandsOf('append_audio')[0]?.bytes).toEqual(new Uint8Array([1, 2]));
  expect(inputs).toEqual([]);
});

test('a close from either end comes once, and nothing passes after it', async () => {
  const model = scriptedModel({ autoConfigure: false });
  const { connection, inputs, closes } = await connectTo(model);
  model.push({ type: 'input_cleared' });
  model.closeFromPeer(1001, 'too long');
  model.closeFromPeer(1006);
  await connection.close();
  connection.send({ type: 'commit_audio', eventId: 'e' });
  expect(() => model.push({ type: 'input_cleared' })).toThrow(expect.objectContaining({ code: 'SESSION_NOT_CONNECTED' }));
  expect(inputs).toEqual([{ type: 'input_cleared' }]);
  expect(closes).toEqual([{ code: 1001, reason: 'too long', byUs: false }]);
  expect(model.commands).toEqual([]);
  const again = await connectTo(model);
  await again.connection.close('bye');
  expect(again.closes).toEqual([{ code: 1000, reason: 'bye', byUs: true }]);
});

test('a hanging connect ends with the reason of the signal; a failing one with its error', async () => {
  const controller = new AbortController();
  const hanging = connectTo(scriptedModel({ connect: 'hang' }), controller.signal);
  const reason = new Error('gave up');
  controller.abort(reason);
  await expect(hanging).rejects.toBe(reason);
  const failure = new Error('no');
  await expect(connectTo(scriptedModel({ connect: failure }))).rejects.toBe(failure);
  await expect(connectTo(scriptedModel(), AbortSignal.abort(reason))).rejects.toBe(reason);
});
