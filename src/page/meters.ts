import { byId } from './dom.js';

/** Speech lies between these; the meter's ends. */
const QUIET_DB = -55;
const LOUD_DB = -10;

/** Two level meters, and the ring around the button that breathes with them. Drawn once a frame, falling slower than rising. */
export class Meters {
  readonly #orb = byId('orb');
  readonly #bars = { microphone: byId('meter-you'), agent: byId('meter-agent') };
  readonly #target = { microphone: 0, agent: 0 };
  readonly #shown = { microphone: 0, agent: 0 };
  #drawing = false;

  /** `rms`: 0..1. */
  set(source: 'microphone' | 'agent', rms: number): void {
    this.#target[source] = rms <= 0 ? 0 : Math.max(0, Math.min(1, (20 * Math.log10(rms) - QUIET_DB) / (LOUD_DB - QUIET_DB)));
    if (!this.#drawing) this.#drawSoon();
  }

  rest(): void {
    this.set('microphone', 0);
    this.set('agent', 0);
  }

  #drawSoon(): void {
    this.#drawing = true;
    requestAnimationFrame(() => this.#draw());
  }

  #draw(): void {
    let moving = false;
    for (const source of ['microphone', 'agent'] as const) {
      const difference = this.#target[source] - this.#shown[source];
      this.#shown[source] = Math.abs(difference) < 0.02 ? this.#target[source] : this.#shown[source] + difference * (difference > 0 ? 0.5 : 0.12);
      moving ||= this.#shown[source] !== this.#target[source];
      this.#bars[source].style.setProperty('--level', this.#shown[source].toFixed(3));
      this.#bars[source].setAttribute('aria-valuenow', String(Math.round(this.#shown[source] * 100)));
    }
    this.#orb.style.setProperty('--you', this.#shown.microphone.toFixed(3));
    this.#orb.style.setProperty('--agent', this.#shown.agent.toFixed(3));
    this.#drawing = false;
    if (moving) this.#drawSoon();
  }
}
