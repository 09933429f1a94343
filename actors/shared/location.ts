/**
 * What a path or URL of an input or output names. FFmpeg takes what stands before the first colon for a protocol; a
 * URL of a file is a way of writing its path, with percent signs and all, which FFmpeg would take literally.
 */
import { fileURLToPath } from 'node:url';
import { MillraceError } from '../../src/errors/errors.js';
import { protocolOf } from './protocols/protocols.js';

/**
 * A name as FFmpeg takes it: of a URL of a file (`file://…`) the path. FFmpeg's own form `file:` and a path, which needs
 * no decoding, stays as it is.
 * @throws MillraceError ERR_MILLRACE_OPTION for a URL of a file that names none, such as one with a foreign host.
 */
export function nameForFFmpeg(name: string): string {
  // FFmpeg knows its protocols in small letters only.
  if (!/^file:\/\//i.test(name)) return name.replace(/^file:/i, 'file:');
  try {
    // It is absolute, and so cannot be taken for another protocol.
    return fileURLToPath(name);
  } catch (cause) {
    const why = (cause as Error).message;
    throw new MillraceError('ERR_MILLRACE_OPTION', `${name} is no URL of a file here: ${why}`, { cause });
  }
}

/** The path in the file system; undefined for a name of another protocol. */
export function localPath(name: string): string | undefined {
  if (protocolOf(name) !== 'file') return undefined;
  return nameForFFmpeg(name).replace(/^file:/, '');
}
