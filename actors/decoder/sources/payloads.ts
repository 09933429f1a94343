/** What may come on the input of a decoder. */
import { MillraceError } from '../../../src/errors/errors.js';
import { payloadName } from '../../../src/errors/naming.js';
import { EncodedPacket } from '../../../src/media/index.js';

/** The bytes of an EncodedPacket, a Buffer or another Uint8Array, or an ArrayBuffer; undefined for anything else. */
export function bytesOf(payload: unknown): Uint8Array | undefined {
  if (payload instanceof Uint8Array) return payload;
  if (payload instanceof EncodedPacket) return payload.data;
  if (payload instanceof ArrayBuffer) return new Uint8Array(payload);
  return undefined;
}

export function unusable(payload: unknown, wanted: string): MillraceError {
  return new MillraceError(
    'ERR_MILLRACE_PAYLOAD',
    `Decoder input 0 takes ${wanted}, but received ${payloadName(payload)}`,
    {
      hint: 'Push an EncodedPacket, a Buffer or a Uint8Array',
    },
  );
}
