import { step } from '../../session/index.js';
import type { SessionInput, SessionState } from '../../session/index.js';
import { HostError } from '../host/errors.js';
import type { RecordingLine, StartLine } from './format.js';
import { withNewMembers } from './recorded-state.js';
import type { Recording } from './recording-reader.js';
import type { PeerEntry } from './recorded-peer.js';

/** One connection of a recording, as its model saw it. */
export interface ConnectionScript {
  /** How long the opening took, and when it was done. */
  readonly openingMs: number;
  readonly openedAt: number;
  /** Why there was no connection. */
  readonly refused?: { readonly error?: unknown; readonly reason: string };
  readonly entries: readonly PeerEntry[];
}

interface Draft {
  openedAt: number;
  readonly askedAt: number;
  refused?: { readonly error?: unknown; readonly reason: string };
  readonly entries: PeerEntry[];
}

/**
 * The connections of a recording in their order. `model`: what the model said is its own; with `client` the other way round. Messages are those of the
 * recording's level: of a wire, or a session's commands and inputs. Throws `HostError` `RECORDING_INVALID` when there is none.
 */
export function connectionScripts(recording: Recording, side: 'model' | 'client' = 'model'): readonly ConnectionScript[] {
  const drafts = recording.header.level === 'wire' ? wireDrafts(recording, side) : sessionDrafts(recording);
  if (drafts.length === 0) throw new HostError('RECORDING_INVALID', `${recording.path} holds no connection to a model.`, { hint: 'Record a call that reaches the model.' });
  return drafts.map(({ askedAt, ...draft }) => ({ openingMs: draft.openedAt - askedAt, ...draft }));
}

function wireDrafts(recording: Recording, side: 'model' | 'client'): Draft[] {
  const drafts = new Map<number, Draft>();
  recording.lines.forEach((line, index) => {
    if (line.type === 'open') drafts.set(line.connection, { askedAt: line.at, openedAt: line.at, entries: [] });
    else if (line.type === 'refused') drafts.set(line.connection, { askedAt: line.at, openedAt: line.at, refused: { reason: line.reason }, entries: [] });
    else if (line.type === 'message' || line.type === 'close') drafts.get(line.connection)?.entries.push(wireEntry(recording, line, index + 2, side));
  });
  return [...drafts.values()];
}

function wireEntry(recording: Recording, line: Extract<RecordingLine, { type: 'message' | 'close' }>, number: number, side: 'model' | 'client'): PeerEntry {
  const place = { own: (line.dir === 'in') === (side === 'model'), at: line.at, line: number };
  if (line.type === 'close') return { ...place, close: { code: line.code, reason: line.reason } };
  // Text that is no JSON and binary messages are kept as they came; nothing is looked for in them.
  const message = line.message === undefined ? { type: '', text: line.text, binary: recording.value(line.binary) } : recording.value(line.message);
  return { ...place, message: message as object };
}

/** A session's own commands do not all say to which connection they went; `step` knows. */
function sessionDrafts(recording: Recording): Draft[] {
  const drafts = new Map<number, Draft>();
  const start = recording.lines.find((line): line is StartLine => line.type === 'start');
  let state = start === undefined ? undefined : withNewMembers(recording.value(start.state) as SessionState);
  let serving = 0;
  recording.lines.forEach((line, index) => {
    if (line.type !== 'input' || state === undefined) return;
    const input = recording.value(line.input) as SessionInput;
    const place = { at: line.at, line: index + 2 };
    const draft = 'attemptId' in input ? drafts.get(input.attemptId ?? serving) : undefined;
    if (draft !== undefined) {
      if (input.type === 'connection_opened') draft.openedAt = line.at;
      else if (input.type === 'connection_failed') Object.assign(draft, { openedAt: line.at, refused: { error: input.error, reason: 'refused' } });
      else if (input.type === 'from_model') draft.entries.push({ ...place, own: true, message: input.input });
      else if (input.type === 'connection_closed') draft.entries.push({ ...place, own: !input.close.byUs, close: { code: input.close.code, reason: input.close.reason } });
    }
    const next = step(state, input, line.at);
    state = next.state;
    for (const effect of next.effects) {
      if (effect.type === 'open_connection') drafts.set(effect.attemptId, { askedAt: line.at, openedAt: line.at, entries: [] });
      else if (effect.type === 'use_connection') serving = effect.attemptId;
      // The bytes of a command are borrowed.
      else if (effect.type === 'send') drafts.get(effect.attemptId ?? serving)?.entries.push({ ...place, own: false, message: effect.command.type === 'append_audio' ? { ...effect.command, bytes: effect.command.bytes.slice() } : effect.command });
    }
  });
  return [...drafts.values()];
}
