/** FFmpeg over a source of the program's, in a thread that may sleep. */
import { MillraceError } from '../../src/errors/errors.js';
import type { SourceReader } from '../../src/media/bytes/source-reader.js';
import { type ByteEnd, BytePlace } from './byte-io.js';

/** Of what comes one after the other the place is not known, and nothing can be gone back to. */
export function sourceEnd(source: SourceReader, name: string): ByteEnd {
  const { size } = source;
  const place = new BytePlace(size);
  return {
    read: (length) => {
      const bytes = source.read(place.at, length);
      if (bytes === undefined) return 'broken';
      place.at += bytes.length;
      return bytes.length === 0 ? null : bytes;
    },
    place: size === undefined ? undefined : place,
    confirm() {
      if (source.failure) throw source.failure;
      if (source.left) throw new MillraceError('ERR_MILLRACE_ABORTED', `${name} is not read any further`);
    },
  };
}
