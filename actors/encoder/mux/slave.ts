/**
 * An output as FFmpeg's muxer `tee` opens it. A file that is opened beside the muxer cannot be interrupted (node-av's
 * IOContext and `openOutput` have no interrupt callback), but what a muxer opens by itself can, and `tee` opens the file
 * of the muxer it contains: of one here, to which it hands everything on.
 */

import { CONTAINED } from '../../../src/media/log/lines.js';
import type { AVOptionValues } from '../../../src/schema/schema.js';
import { optionText } from '../../shared/avoptions.js';

/**
 * The text that `tee` takes for a file name: `[f=flv:flvflags=x]rtmp://…`, with FFmpeg's escapes. It begins with what
 * tells the lines of this `tee` in FFmpeg's log from those of one that the user has asked for.
 */
export function slaveText(muxer: string, settings: AVOptionValues, url: string): string {
  const options = Object.entries({ f: muxer.split(',')[0]!, ...settings }).map(
    // Read twice: with the whole, and by itself.
    ([name, value]) => `${name}=${escaped(escaped(optionText(value)))}`,
  );
  return `${CONTAINED}${options.join(':')}]${escaped(url)}`;
}

function escaped(text: string): string {
  return text.replace(/[\\'|:[\]=\s]/g, '\\$&');
}
