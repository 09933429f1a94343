/**
 * Views of native memory end with the memory. Where the JavaScript engine can detach a buffer (Node 22 and later) a
 * view that outlives its frame has length zero; on Node 20 reading it is a use after free.
 */

type Transferable = ArrayBuffer & { transfer?: (newByteLength?: number) => ArrayBuffer; readonly detached?: boolean };

/** Detaches the memory behind the views. Nothing is copied: the new buffer that `transfer` makes is empty. */
export function detach(views: readonly Uint8Array[]): void {
  for (const view of views) {
    const buffer = view.buffer as Transferable;
    if (buffer.detached === false) buffer.transfer?.(0);
  }
}
