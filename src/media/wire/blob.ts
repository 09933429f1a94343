/** A blob on its way to another thread: `copyTo` writes exactly `byteLength` bytes at the start of `target`. */
export interface Blob {
  readonly byteLength: number;
  copyTo(target: Uint8Array): void;
}

/** A blob of bytes that exist already; they are not copied before `copyTo`. */
export function blobOf(view: ArrayBufferView): Blob {
  const bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
  return {
    byteLength: bytes.byteLength,
    copyTo(target) {
      target.set(bytes);
    },
  };
}
