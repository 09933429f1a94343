/** First in, first out, without moving what stays: `Array.shift` is linear in long arrays. */
export class Queue<T> {
  private items: (T | undefined)[] = new Array<T | undefined>(8).fill(undefined);
  // Free-running; the place of an item is its position modulo the length, which is a power of two.
  private first = 0;
  private next = 0;

  get length(): number {
    return this.next - this.first;
  }

  push(item: T): void {
    if (this.length === this.items.length) this.grow();
    this.items[this.next++ & (this.items.length - 1)] = item;
  }

  shift(): T | undefined {
    if (this.first === this.next) return undefined;
    const at = this.first++ & (this.items.length - 1);
    const item = this.items[at];
    this.items[at] = undefined;
    // Keeps the positions small integers, which are faster; `&` is right for larger ones too.
    if (this.first === this.next) this.first = this.next = 0;
    return item;
  }

  private grow(): void {
    const length = this.length;
    const items = new Array<T | undefined>(this.items.length * 2).fill(undefined);
    for (let i = 0; i < length; i++) items[i] = this.items[(this.first + i) & (this.items.length - 1)];
    this.items = items;
    this.first = 0;
    this.next = length;
  }
}
