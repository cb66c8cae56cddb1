/** Calls `fire` once, soon: in a page with its next frame. Gives back what calls it off. */
export type RequestFrame = (fire: () => void) => () => void;

/** A picture that nobody sees need not be drawn: in a hidden page the browser gives no frames until it is shown again. */
export const nextFrame: RequestFrame = (fire) => {
  if (typeof requestAnimationFrame === 'function') {
    const frame = requestAnimationFrame(fire);
    return () => cancelAnimationFrame(frame);
  }
  const timer = setTimeout(fire, 16);
  return () => clearTimeout(timer);
};

/**
 * A value that may change a thousand times a second, for readers that are told once a frame. `getSnapshot` gives the same value until they are told;
 * without readers there is nobody to wait for, and it is always the newest.
 */
export class FrameStore<Value> {
  readonly #requestFrame: RequestFrame;
  readonly #listeners = new Set<() => void>();
  #value: Value;
  #shown: Value;
  #callOff: (() => void) | undefined;

  constructor(value: Value, requestFrame: RequestFrame) {
    this.#requestFrame = requestFrame;
    this.#value = value;
    this.#shown = value;
  }

  /** The newest. */
  get value(): Value {
    return this.#value;
  }

  set(value: Value): void {
    this.#value = value;
    if (this.#listeners.size === 0) this.#shown = value;
    else this.#callOff ??= this.#requestFrame(this.#show);
  }

  readonly getSnapshot = (): Value => this.#shown;

  readonly subscribe = (listener: () => void): (() => void) => {
    const own = (): void => listener();
    this.#listeners.add(own);
    return () => {
      this.#listeners.delete(own);
      if (this.#listeners.size > 0) return;
      this.#callOff?.();
      this.#callOff = undefined;
      this.#shown = this.#value;
    };
  };

  readonly #show = (): void => {
    this.#callOff = undefined;
    this.#shown = this.#value;
    for (const listener of this.#listeners) listener();
  };
}
