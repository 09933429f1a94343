/** What is decided before an input is opened: its demuxer, what FFmpeg is told beside the name, what is refused by name. */
import { AV_OPT_FLAG_DECODING_PARAM, AV_OPT_SEARCH_CHILDREN, AV_OPT_TYPE_STRING } from 'node-av/constants';
import { Dictionary, type FormatContext, InputFormat, type IOContext } from 'node-av/lib';
import { MillraceError } from '../../../src/errors/errors.js';
import { hintByResult } from '../../../src/errors/file-error.js';
import { describeValue } from '../../../src/errors/naming.js';
import { errorText } from '../../../src/media/index.js';
import type { AVOptionValues } from '../../../src/schema/schema.js';
import { findOption, optionText, refusedValue } from '../../shared/avoptions.js';
import { localPath, nameForFFmpeg } from '../../shared/location.js';
import { protocolOf, whitelistFor } from '../../shared/protocols/protocols.js';
import { kindOf, pipeOf, refusal, statOf, takesNoFile } from './pipe.js';

/** Seconds that FFmpeg waits for a peer that is to connect by RTSP: it fails without any, and `timeout_ms` ends it. */
const LISTEN_TIMEOUT = 1_000_000;

/**
 * What a playlist or a session description among bytes may open. FFmpeg allows a local file to name what is as local; bytes
 * could name anything, and nobody knows where they come from: they name nothing unless that is allowed.
 */
const BYTES_WHITELIST = 'crypto,data';

export interface InputOptions {
  /** File or URL; with `io` only a name for messages. */
  readonly path: string;
  /** Where the bytes come from instead; it stays the caller's. */
  readonly io?: IOContext | undefined;
  /** Name of the demuxer; guessed from the content without it. */
  readonly format?: string | undefined;
  /** Options for demuxer, protocol and decoders together; those that the input knows are applied. */
  readonly options: AVOptionValues;
  /** FFmpeg's list of the protocols that may be opened, unless `options` have a list of their own; absent: FFmpeg's rule. */
  readonly protocolWhitelist?: string | undefined;
  /** Options that only the input can know: refused if it does not. The name in the error is the key of `options`. */
  readonly required: Readonly<Record<string, { readonly option: string; readonly value: string }>>;
}

/** What FFmpeg is given beside the name. @throws MillraceError ERR_MILLRACE_OPTION for a value that is wrong. */
export function openDictionary(
  context: FormatContext,
  { path, io, options, required, protocolWhitelist }: InputOptions,
): Dictionary {
  const dictionary = new Dictionary();
  try {
    for (const [name, value] of Object.entries({
      scan_all_pmts: 1,
      ...(io ? {} : networkDefaults(path, options)),
      ...(io ? { protocol_whitelist: BYTES_WHITELIST } : restriction(path, protocolWhitelist)),
      ...options,
    })) {
      checkGeneric(context, path, name, value);
      dictionary.set(name, optionText(value));
    }
    for (const { option, value } of Object.values(required)) dictionary.set(option, value);
    if (io) context.pb = io;
    return dictionary;
  } catch (error) {
    dictionary.free();
    throw error;
  }
}

/** A wrong value of a general demuxer option would come back as a nameless error of the open call. */
function checkGeneric(context: FormatContext, path: string, name: string, value: AVOptionValues[string]): void {
  const option = findOption(context, name);
  if (!option || (option.flags & AV_OPT_FLAG_DECODING_PARAM) === 0) return;
  const ret = context.setOption(name, optionText(value), AV_OPT_TYPE_STRING, AV_OPT_SEARCH_CHILDREN);
  if (ret < 0) throw refusedValue(name, value, `dec_params (input ${path})`, ret, option);
}

/** @throws MillraceError ERR_MILLRACE_OPTION for one that FFmpeg does not have. */
export function findDemuxer(name: string | undefined): InputFormat | null {
  if (name === undefined) return null;
  const found = InputFormat.findInputFormat(name);
  if (found) return found;
  throw new MillraceError('ERR_MILLRACE_OPTION', `dec_params.f: FFmpeg has no demuxer ${describeValue(name)}`, {
    hint: "Leave it out to have the format recognised, or name one such as 'mpegts', 'rawvideo' or 's16le'",
  });
}

/** As FFmpeg is told it. */
export function nameOf({ path, io }: InputOptions): string {
  return io ? '' : nameForFFmpeg(path);
}

function restriction(path: string, whitelist: string | undefined): AVOptionValues {
  return whitelist === undefined ? {} : { protocol_whitelist: whitelistFor(path, whitelist) };
}

function networkDefaults(path: string, { rtsp_flags: flags }: AVOptionValues): AVOptionValues {
  const listens = protocolOf(path).startsWith('rtsp') && /\blisten\b/.test(String(flags ?? ''));
  return listens ? { listen_timeout: LISTEN_TIMEOUT } : {};
}

/**
 * A directory or device fails by name: FFmpeg's own words for them mislead, and a device may block for ever.
 * @param patient Who opens it may be kept waiting, and so reads pipes.
 */
export function refuseUnreadable(path: string, demuxer: InputFormat | null, patient: boolean): void {
  if (pipeOf(path, demuxer)) {
    if (patient) return;
    throw refusal(
      `Cannot open ${path}: it is a pipe, and reading it here could block for ever`,
      'Use `await probe(…)`',
    );
  }
  const file = localPath(path);
  if (file === undefined || takesNoFile(demuxer)) return;
  const found = statOf(file, path);
  // What does not exist may be a pattern of the image demuxer; otherwise FFmpeg says so itself.
  if (!found || found.isFile()) {
    if (found?.size === 0) throw refusal(`Cannot open ${path}: the file is empty`, 'Was it written completely?');
    return;
  }
  if (found.isDirectory()) throw refusal(`Cannot open ${path}: it is a directory`, 'Name a media file in it');
  throw refusal(
    `Cannot open ${path}: it is a ${kindOf(found)}, and reading it could block for ever`,
    'Copy it into a file first',
  );
}

export function hintFor(ret: number, path: string, demuxer: InputFormat | null): string | undefined {
  const text = errorText(ret);
  if (text.startsWith('No such file') && demuxer === null && /[*?[]/.test(path) && protocolOf(path) === 'file') {
    return "Is it a pattern? Then say dec_params: { pattern_type: 'glob' } (or 'img%03d.png' for numbers in a row)";
  }
  if (text.startsWith('Invalid data')) return 'It is no media file that FFmpeg recognises, or it is cut off or damaged';
  // The name is no file where a demuxer has its own ideas of it (filters, devices), and a peer is none either.
  const isFile = protocolOf(path) === 'file' && !takesNoFile(demuxer);
  return hintByResult(ret, path, isFile);
}
