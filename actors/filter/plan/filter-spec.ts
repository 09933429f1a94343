/** One filter and its arguments. */
export interface FilterSpec {
  readonly name: string;
  /** Name of this instance, the part after `@`. */
  readonly instance?: string | undefined;
  readonly args?: string | undefined;
  /** Further arguments, which are not the user's. */
  readonly own?: string | undefined;
}
