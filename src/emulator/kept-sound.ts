/** The newest samples of a stream, up to a length; older ones go. It keeps one array, which it fills again and again. */
export class KeptSound {
  #samples = new Int16Array(16_384);
  #from = 0;
  #to = 0;

  get length(): number {
    return this.#to - this.#from;
  }

  /** Takes the next samples (borrowed until the call returns) and lets go of all but the newest `most`. */
  push(samples: Int16Array, most: number): void {
    if (this.#to + samples.length > this.#samples.length) this.#makeRoom(samples.length);
    this.#samples.set(samples, this.#to);
    this.#to += samples.length;
    this.keepNewest(most);
  }

  /** Lets go of all but the newest `count`. */
  keepNewest(count: number): void {
    this.#from = Math.max(this.#from, this.#to - count);
  }

  /** Gives what is kept, and begins anew. */
  take(): Int16Array {
    const taken = this.#samples.slice(this.#from, this.#to);
    this.clear();
    return taken;
  }

  clear(): void {
    [this.#from, this.#to] = [0, 0];
    // What a long turn has taken is not held on to through the silence after it.
    if (this.#samples.length > 262_144) this.#samples = new Int16Array(16_384);
  }

  #makeRoom(count: number): void {
    const kept = this.length;
    if ((kept + count) * 2 <= this.#samples.length) this.#samples.copyWithin(0, this.#from, this.#to);
    else {
      const larger = new Int16Array((kept + count) * 2);
      larger.set(this.#samples.subarray(this.#from, this.#to));
      this.#samples = larger;
    }
    [this.#from, this.#to] = [0, kept];
  }
}
