import { booleanAt, numberAt, objectAt, oneOf, onlyFields, required } from './checks.js';

export type WireTurnDetection =
  | {
      readonly type: 'server_vad';
      readonly threshold: number;
      readonly prefix_padding_ms: number;
      readonly silence_duration_ms: number;
      readonly idle_timeout_ms: number | null;
      readonly create_response: boolean;
      readonly interrupt_response: boolean;
    }
  | { readonly type: 'semantic_vad'; readonly eagerness: 'low' | 'medium' | 'high' | 'auto'; readonly create_response: boolean; readonly interrupt_response: boolean };

export const SERVER_VAD: WireTurnDetection = {
  type: 'server_vad',
  threshold: 0.5,
  prefix_padding_ms: 300,
  silence_duration_ms: 500,
  idle_timeout_ms: null,
  create_response: true,
  interrupt_response: true,
};

/** A detection is replaced as a whole: what the client leaves out takes its default and not the value it had. */
export function turnDetectionAt(value: unknown, path: string): WireTurnDetection | null {
  if (value === null) return null;
  const given = objectAt(value, path);
  const type = oneOf(required(given, 'type', path), `${path}.type`, ['server_vad', 'semantic_vad']);
  const flag = (key: string): boolean => (given[key] === undefined ? true : booleanAt(given[key], `${path}.${key}`));
  if (type === 'semantic_vad') {
    onlyFields(given, path, ['type', 'eagerness', 'create_response', 'interrupt_response']);
    const eagerness = given['eagerness'] === undefined ? 'auto' : oneOf(given['eagerness'], `${path}.eagerness`, ['low', 'medium', 'high', 'auto']);
    return { type, eagerness, create_response: flag('create_response'), interrupt_response: flag('interrupt_response') };
  }
  onlyFields(given, path, ['type', 'threshold', 'prefix_padding_ms', 'silence_duration_ms', 'idle_timeout_ms', 'create_response', 'interrupt_response']);
  const number = <Fallback>(key: string, fallback: Fallback, min: number, max: number, kind: 'integer' | 'decimal'): number | Fallback =>
    given[key] === undefined || given[key] === null ? fallback : numberAt(given[key], `${path}.${key}`, min, max, kind);
  return {
    type,
    threshold: number('threshold', 0.5, 0, 1, 'decimal'),
    prefix_padding_ms: number('prefix_padding_ms', 300, 0, 5_000, 'integer'),
    silence_duration_ms: number('silence_duration_ms', 500, 0, 10_000, 'integer'),
    idle_timeout_ms: number('idle_timeout_ms', null, 5_000, 30_000, 'integer'),
    create_response: flag('create_response'),
    interrupt_response: flag('interrupt_response'),
  };
}
