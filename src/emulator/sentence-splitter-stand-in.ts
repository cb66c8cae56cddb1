/** To be replaced. */
export class SentenceSplitter {
  #held = '';
  push(text: string): string[] {
    this.#held += text;
    const parts = this.#held.split(/(?<=[.!?]\s)/u);
    this.#held = parts.pop() ?? '';
    return parts;
  }
  end(): string[] {
    return this.#held === '' ? [] : [this.#held];
  }
}
