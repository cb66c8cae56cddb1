/** A JSON object of the wire whose members are not known yet. */
export type WireObject = Readonly<Record<string, unknown>>;

/** A known event has a member that is missing or of the wrong kind; `parse` turns this into a `ProtocolError`. */
export class BadField extends Error {
  override readonly name = 'BadField';
  readonly field: string;
  constructor(field: string) {
    super(field);
    this.field = field;
  }
}

export function isObject(value: unknown): value is WireObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function text(object: WireObject, field: string): string {
  const value = object[field];
  if (typeof value !== 'string') throw new BadField(field);
  return value;
}

/** A whole number from 0 up. */
export function count(object: WireObject, field: string): number {
  const value = object[field];
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) throw new BadField(field);
  return value;
}

/** Milliseconds from 0 up; not every server rounds them. */
export function millis(object: WireObject, field: string): number {
  const value = object[field];
  if (typeof value !== 'number' || !Number.isFinite(value) || value < 0) throw new BadField(field);
  return value;
}

/** Some servers leave an index out where there is only one thing to count. */
export function index(object: WireObject, field: string): number {
  return object[field] === undefined ? 0 : count(object, field);
}

export function object(parent: WireObject, field: string): WireObject {
  const value = parent[field];
  if (!isObject(value)) throw new BadField(field);
  return value;
}

/** The member when it is a string; else nothing. */
export function textOr<T>(object: WireObject, field: string, otherwise: T): string | T {
  const value = object[field];
  return typeof value === 'string' ? value : otherwise;
}

/** The member when it is a finite number from 0 up; else 0. */
export function amount(object: WireObject | undefined, field: string): number {
  const value = object?.[field];
  return typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : 0;
}

/** The member when it is an object; else nothing. */
export function objectOr(parent: WireObject | undefined, field: string): WireObject | undefined {
  const value = parent?.[field];
  return isObject(value) ? value : undefined;
}
