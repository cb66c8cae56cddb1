import { InvalidStateError } from '../../../session/index.js';
import type { ModelClose, ModelCommand, ModelConnectOptions, ModelConnection, ModelInput, RealtimeModel } from '../../../session/index.js';

export interface ScriptedModelOptions {
  /**
   * Whether the model greets with `model_session_created` and answers each `configure` with `model_session_configured` that repeats its
   * formats, as a real one does. Default true; with false a test pushes both itself.
   */
  readonly autoConfigure?: boolean;
  /** What `connect` does: opens (default), never answers (`'hang'`, until the signal aborts), or rejects with this error. */
  readonly connect?: 'open' | 'hang' | Error;
  /** Sees each command after it was recorded; may push answers. */
  readonly onCommand?: (command: ModelCommand, model: ScriptedModel) => void;
}

/** A realtime model without a socket, for tests: the test is its far end. One connection at a time; it may be opened again after a close. */
export interface ScriptedModel extends RealtimeModel {
  /** Every command so far, over all connections; the bytes of `append_audio` are copies. */
  readonly commands: readonly ModelCommand[];
  /** How often `connect` was called. */
  readonly connects: number;
  /** Resolves when the first connection is open. */
  readonly connected: Promise<void>;
  /** What the connection reports as not yet taken by the network. */
  bufferedBytes: number;
  /** The model says something; it arrives before this returns. Throws `InvalidStateError` when no connection is open. */
  push(...inputs: readonly ModelInput[]): void;
  /** The connection ends by the model's doing; 1006 is a loss without a handshake. Nothing happens when none is open. */
  closeFromPeer(code?: number, reason?: string, error?: Error): void;
  /** The commands of one type so far. */
  commandsOf<T extends ModelCommand['type']>(type: T): Extract<ModelCommand, { type: T }>[];
  /** Resolves with the `count`-th command of a type, at once if it was sent before. */
  waitForCommand<T extends ModelCommand['type']>(type: T, count?: number): Promise<Extract<ModelCommand, { type: T }>>;
}

interface Waiter {
  readonly isDone: () => boolean;
}

interface OpenConnection {
  readonly onInput: (input: ModelInput) => void;
  readonly end: (close: ModelClose) => void;
}

/** Makes a {@link ScriptedModel}. */
export function scriptedModel(options: ScriptedModelOptions = {}): ScriptedModel {
  const autoConfigure = options.autoConfigure ?? true;
  const commands: ModelCommand[] = [];
  const waiters = new Set<Waiter>();
  let current: OpenConnection | undefined;
  let connects = 0;
  let confirmConnected: () => void = () => {};
  const connected = new Promise<void>((resolve) => (confirmConnected = resolve));

  function open(connectOptions: ModelConnectOptions): ModelConnection {
    let state: OpenConnection | undefined;
    const end = (close: ModelClose): void => {
      if (state === undefined || current !== state) return;
      current = undefined;
      state = undefined;
      connectOptions.signal.removeEventListener('abort', onAbort);
      connectOptions.onClose(close);
    };
    const onAbort = (): void => end({ code: 1000, reason: 'aborted', byUs: true });
    state = { onInput: connectOptions.onInput, end };
    current = state;
    const own = state;
    connectOptions.signal.addEventListener('abort', onAbort);
    const number = connects;
    if (autoConfigure) queueMicrotask(() => current === own && own.onInput({ type: 'model_session_created', modelSessionId: `sess_scripted_${number}` }));
    confirmConnected();
    return {
      get bufferedBytes() {
        return model.bufferedBytes;
      },
      send(command) {
        if (current !== own) return;
        const kept: ModelCommand = command.type === 'append_audio' ? { ...command, bytes: command.bytes.slice() } : command;
        commands.push(kept);
        for (const waiter of waiters) if (waiter.isDone()) waiters.delete(waiter);
        if (autoConfigure && kept.type === 'configure') {
          const { inputFormat, outputFormat } = kept.config;
          queueMicrotask(() => current === own && own.onInput({ type: 'model_session_configured', inputFormat, outputFormat }));
        }
        options.onCommand?.(kept, model);
      },
      close(reason = '') {
        end({ code: 1000, reason, byUs: true });
        return Promise.resolve();
      },
    };
  }

  const model: ScriptedModel = {
    label: 'scripted model',
    commands,
    connected,
    bufferedBytes: 0,
    get connects() {
      return connects;
    },
    connect(connectOptions) {
      connects += 1;
      const { signal } = connectOptions;
      return new Promise<ModelConnection>((resolve, reject) => {
        const onAbort = (): void => reject(signal.reason as Error);
        if (signal.aborted) onAbort();
        else if (options.connect === 'hang') signal.addEventListener('abort', onAbort, { once: true });
        else if (options.connect instanceof Error) reject(options.connect);
        else if (current !== undefined) reject(new InvalidStateError('SESSION_ALREADY_CONNECTED', 'The scripted model has one connection already.'));
        else resolve(open(connectOptions));
      });
    },
    push(...inputs) {
      for (const input of inputs) {
        if (current === undefined) throw new InvalidStateError('SESSION_NOT_CONNECTED', `Cannot push ${input.type}: no connection to the scripted model is open.`);
        current.onInput(input);
      }
    },
    closeFromPeer(code = 1006, reason = '', error) {
      current?.end({ code, reason, byUs: false, ...(error === undefined ? {} : { error }) });
    },
    commandsOf: (type) => commands.filter((command): command is Extract<ModelCommand, { type: typeof type }> => command.type === type),
    waitForCommand: (type, count = 1) =>
      new Promise((resolve) => {
        const isDone = (): boolean => {
          const found = model.commandsOf(type)[count - 1];
          if (found !== undefined) resolve(found);
          return found !== undefined;
        };
        if (!isDone()) waiters.add({ isDone });
      }),
  };
  return model;
}
