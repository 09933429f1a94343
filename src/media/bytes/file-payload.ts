/**
 * A whole file on its way to a decoder: where it is, instead of its bytes. The decoder reads it from anywhere in it, where
 * bytes that come one after the other have to be enough.
 */
import type { SourceRef } from './ref.js';

/** Plain data. */
export type FilePlace =
  /** A path, or a URL. */
  { readonly path: string } | { readonly source: Omit<SourceRef, 'mark' | 'bytes'> };

export class FilePayload {
  constructor(readonly place: FilePlace) {}

  get name(): string {
    return 'path' in this.place ? this.place.path : this.place.source.name;
  }
}
