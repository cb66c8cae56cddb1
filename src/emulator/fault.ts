import { z } from 'zod';

/**
 * Where in a connection's life a fault sets in: so many ms after it was set, with the `nth` event of a type that leaves after that, or with the
 * n-th byte that the connection has carried towards the client. Without any of them: at once.
 */
const moment = {
  afterMs: z.number().min(0).max(86_400_000).optional(),
  onEvent: z.string().min(1).max(128).optional(),
  nth: z.int().min(1).max(1_000_000).optional(),
};
const events = z.string().min(1).max(128).optional();
const chance = z.number().min(0).max(1).optional();

const fault = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('latency'), events, ms: z.number().min(0).max(600_000), jitterMs: z.number().min(0).max(600_000).optional() }),
  z.strictObject({ kind: z.literal('drop'), ...moment, afterBytes: z.int().min(0).optional(), code: z.int().min(1000).max(4999).optional(), reason: z.string().max(120).optional() }),
  z.strictObject({ kind: z.literal('half-open'), ...moment }),
  z.strictObject({ kind: z.literal('mute'), ...moment, forMs: z.number().min(0).max(86_400_000).optional() }),
  z.strictObject({ kind: z.literal('duplicate'), events, chance }),
  z.strictObject({ kind: z.literal('reorder'), chance }),
  z.strictObject({ kind: z.literal('malformed'), ...moment, form: z.enum(['not-json', 'not-an-object', 'cut', 'binary']).optional() }),
  z.strictObject({ kind: z.literal('unknown-event'), ...moment }),
  z.strictObject({ kind: z.literal('refuse'), status: z.int().min(400).max(599).optional(), times: z.int().min(1).max(1_000_000).optional(), retryAfterSeconds: z.int().min(0).max(86_400).optional() }),
  z.strictObject({ kind: z.literal('slow-reader'), bytesPerSecond: z.int().min(1).max(1_000_000_000) }),
  z.strictObject({ kind: z.literal('expire'), afterMs: z.number().min(0).max(86_400_000) }),
  z.strictObject({ kind: z.literal('clock-skew'), ms: z.number().min(-1e12).max(1e12) }),
]);

/**
 * Something that goes wrong on demand. Spans are ms of the emulator's clock. `events` and `onEvent` name a type (`response.done`), a beginning
 * of types (`response.*`), or a class: `audio`, `transcript`, `arguments`, `input`, `floating`.
 *
 * - `latency`: events leave later, by `ms` and up to `jitterMs` more; their order stays.
 * - `drop`: the socket is gone without a word, or with the close code `code`. At a byte, it is cut within the frame.
 * - `half-open`: the socket stays, and nothing passes it any more, in either direction, pings included.
 * - `mute`: what the session says is lost for `forMs` (for ever, where left out); the socket lives.
 * - `duplicate`: an event comes twice. `reorder`: events that float freely come later, audio and transcript change places.
 * - `malformed`, `unknown-event`: a message that is none, an event that nobody knows.
 * - `refuse`: the next handshakes are answered with an HTTP status. `slow-reader`: the emulator reads no faster.
 * - `expire`: the session ends as if its time were up. `clock-skew`: the emulator's date is wrong, for sessions that open later.
 */
export type Fault = z.infer<typeof fault>;
export type FaultKind = Fault['kind'];

/** The schema of a fault, for those that hold some: scripts, the control endpoint. */
export const faultSchema = fault;

/** All kinds of faults that the emulator can make. */
export const FAULT_KINDS = fault.options.map((option) => option.shape.kind.value) as readonly FaultKind[];

const CLASSES: Readonly<Record<string, readonly string[]>> = {
  audio: ['response.output_audio.delta'],
  transcript: ['response.output_audio_transcript.delta', 'response.output_text.delta'],
  arguments: ['response.function_call_arguments.delta'],
  input: ['input_audio_buffer.*'],
  floating: ['conversation.item.input_audio_transcription.*', 'rate_limits.updated'],
};

/** Whether an event's type is meant by a pattern; undefined means every one. */
export function matchesEvents(pattern: string | undefined, type: string): boolean {
  if (pattern === undefined || pattern === '*') return true;
  const named = CLASSES[pattern];
  if (named !== undefined) return named.some((inner) => matchesEvents(inner, type));
  return pattern.endsWith('*') ? type.startsWith(pattern.slice(0, -1)) : type === pattern;
}

/**
 * Reads the short form of the command line: `drop:onEvent=response.output_audio.delta,nth=3`. Gives a text that says what is wrong with it where it
 * is none.
 */
export function parseFault(text: string): Fault | string {
  const [kind = '', rest = ''] = text.split(/:(.*)/su);
  const fields = rest === '' ? [] : rest.split(',').map((pair) => pair.split(/=(.*)/su));
  const broken = fields.find(([key, value]) => key === undefined || key === '' || value === undefined || value === '');
  if (broken !== undefined) return `"${broken[0] ?? ''}" has no value; fields are written name=value, with commas between them`;
  const value = Object.fromEntries(fields.map(([key, field]) => [key, /^-?\d+(\.\d+)?$/.test(field as string) ? Number(field) : field]));
  return readFault({ kind, ...value });
}

/** Checks a fault from outside. Gives a text that says what is wrong with it where it is none. */
export function readFault(value: unknown): Fault | string {
  const result = fault.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  if (issue?.code === 'invalid_union') return `there is no such kind of fault; the kinds are ${FAULT_KINDS.join(', ')}`;
  const place = issue?.path.join('.') ?? '';
  return place === '' ? (issue?.message ?? 'not a fault') : `"${place}": ${issue?.message ?? 'wrong'}`;
}
