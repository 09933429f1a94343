/**
 * Classes that are recognised across two copies of the package, and across a bundle and the package beside it: an object is
 * an instance if its class, or one that its class extends, bears the same mark. Marks are `Symbol.for`, which copies share.
 */
export function brand(made: { readonly prototype: object }, name: string): void {
  const mark = Symbol.for(`millrace.${name}`);
  Object.defineProperty(made.prototype, mark, { value: true });
  Object.defineProperty(made, Symbol.hasInstance, {
    value(this: unknown, value: unknown): boolean {
      // A class of the user's that extends ours inherits this, and goes by its own prototype.
      if (this !== made) return Function.prototype[Symbol.hasInstance].call(this, value);
      return typeof value === 'object' && value !== null && mark in value;
    },
  });
}

const COPY = Symbol.for('millrace.copy');
/** This copy of the package. */
const OWN = {};

/** Marks a class whose objects cannot be shared by two copies: they have private parts and owners. */
export function markCopy(made: { readonly prototype: object }): void {
  Object.defineProperty(made.prototype, COPY, { value: OWN });
}

/** An object of such a class, of another copy of the package. */
export function isOfAnotherCopy(value: object): boolean {
  const mark = (value as { [COPY]?: unknown })[COPY];
  return mark !== undefined && mark !== OWN;
}
