/** Options of an output that players choose from: several renditions of a picture, several sounds (hls and dash). */
import * as v from 'valibot';
import { integer, parsed, type Schema, strictOptions, text } from '../../../src/schema/schema.js';

/** A name that is a folder, and stands in the map of the hls muxer. */
const name = parsed('a name of letters, digits, ".", "_" and "-"', (value) =>
  typeof value === 'string' && /^[\w-][\w.-]*$/.test(value) ? value : undefined,
);

/** 16 bytes in hexadecimal digits. */
function block(what: string): Schema<string> {
  return parsed(`${what} of 32 hexadecimal digits`, (value) =>
    typeof value === 'string' && /^[\da-f]{32}$/i.test(value) ? value : undefined,
  );
}

export const variantEntries = {
  /**
   * hls and dash: every video stream is a rendition, every audio stream one that goes with all of them. Names by number:
   * they take the place of %v in the path (hls).
   */
  variants: v.optional(
    strictOptions({
      video: v.optional(v.array(name)),
      audio: v.optional(v.array(name)),
      /** Number of the audio stream that plays unless another one is chosen. */
      default_audio: v.optional(integer({ min: 0 })),
    }),
  ),
  /** hls: AES-128 of every segment. */
  encrypt: v.optional(
    v.pipe(
      strictOptions({
        /** What the playlists say of where the key is. */
        uri: text('where players get the key'),
        /** Default: drawn, and written to `key_path`. */
        key: v.optional(block('a key')),
        /** Default: drawn. */
        iv: v.optional(block('an initialisation vector')),
        /** The 16 bytes of the key are written there. */
        key_path: v.optional(text('a file name')),
      }),
      v.check(
        ({ key, key_path: path }) => key !== undefined || path !== undefined,
        'needs a key, or key_path to write the one that is drawn',
      ),
    ),
  ),
};

export type Variants = NonNullable<v.InferOutput<(typeof variantEntries)['variants']>>;
export type Encryption = NonNullable<v.InferOutput<(typeof variantEntries)['encrypt']>>;
