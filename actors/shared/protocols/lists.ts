/**
 * FFmpeg's lists of the protocols that may be opened, given as an option or inside of one (`http_opts`, `protocol_opts`).
 * FFmpeg ends the process by an assertion (`ffurl_open_whitelist` in libavformat/avio.c) where its dictionary of options
 * holds a list that is not the one of the context. The keys of its dictionaries are the same in capital and small letters,
 * the names of its options are not: one that is misspelt so stays in the dictionary.
 */
import { MillraceError } from '../../../src/errors/errors.js';
import type { AVOptionValues } from '../../../src/schema/schema.js';
import { holdsProtocolList } from './protocols.js';

const NAME = /^protocol_(?:white|black)list$/;
const MISSPELT = new RegExp(NAME.source, 'i');

/**
 * @param what Where the options stand: `dec_params`.
 * @param restricted The context has a list of its own, which nothing may contradict.
 * @throws MillraceError ERR_MILLRACE_OPTION.
 */
export function refuseProtocolLists(values: AVOptionValues, what: string, restricted: boolean): void {
  for (const [name, value] of Object.entries(values)) {
    if (MISSPELT.test(name) && !NAME.test(name)) {
      throw new MillraceError('ERR_MILLRACE_OPTION', `${what}: FFmpeg has no option '${name}' here`, {
        hint: `It is written '${name.toLowerCase()}'`,
      });
    }
    if (!restricted || typeof value !== 'string' || !holdsProtocolList(value)) continue;
    throw new MillraceError('ERR_MILLRACE_OPTION', `${what}: '${name}' holds a list of protocols of its own`, {
      hint: 'What a graph file of unknown origin may open is said by `allow` of fromConfig',
    });
  }
}
