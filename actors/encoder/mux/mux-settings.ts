/** What a muxer is told and what is refused before anything is opened. */
import { type FormatContext, OutputFormat } from 'node-av/lib';
import { MillraceError } from '../../../src/errors/errors.js';
import { check } from '../../../src/media/index.js';
import type { Log } from '../../../src/module/contract.js';
import type { AVOptionValue, AVOptionValues } from '../../../src/schema/schema.js';
import { setAVOptions } from '../../shared/avoptions.js';
import { refuseProtocolLists } from '../../shared/protocols/lists.js';
import { isPermitted, protocolOf } from '../../shared/protocols/protocols.js';
import { refuseSelfOpening } from '../../shared/self-opening.js';
import type { EncoderOptions } from '../options.js';
import type { Target } from '../output/format.js';
import { slaveText } from './slave.js';

/** -muxdelay of the ffmpeg command, in microseconds. */
const MUX_DELAY = 700_000;

/** Private options of much-used muxers, for suggestions only: FFmpeg lists a muxer's own options nowhere we can reach. */
const MUXER_OPTIONS = [
  'movflags',
  'brand',
  'frag_duration',
  'video_track_timescale',
  'hls_time',
  'hls_list_size',
  'hls_segment_filename',
  'hls_segment_type',
  'hls_flags',
  'hls_playlist_type',
  'segment_time',
  'segment_format',
  'segment_list',
  'start_number',
  'update',
  'loop',
  'id3v2_version',
  'write_xing',
  'mpegts_flags',
  'flvflags',
  'cluster_time_limit',
  'seg_duration',
];

/**
 * @param protocolWhitelist FFmpeg's list of the protocols that may be opened; undefined: any.
 * @throws MillraceError ERR_MILLRACE_OPTION, ERR_MILLRACE_OUTPUT for what may not be opened or would not end well.
 */
export function refuseTarget(target: Target, options: EncoderOptions, protocolWhitelist: string | undefined): void {
  refuseProtocol(target, protocolWhitelist);
  refuseSelfOpening(target.muxer, protocolWhitelist, 'format');
  refuseWideWindow(options.mux_params ?? {});
  refuseProtocolLists(options.mux_params ?? {}, 'mux_params', protocolWhitelist !== undefined);
}

/**
 * Gives a muxer its options.
 * @returns those that it knows.
 * @throws MillraceError ERR_MILLRACE_OPTION for one that FFmpeg does not know.
 */
export function setMuxerOptions(
  context: FormatContext,
  { muxer }: Target,
  options: EncoderOptions,
  log: Log,
): AVOptionValues {
  // The delay of the ffmpeg command; libavformat alone has none, and streams with B-frames then start too tight.
  // The first of two passes has another muxer than the options are for.
  const own = options.pass === 1 ? {} : options.mux_params;
  const settings: Record<string, AVOptionValue> = { max_delay: MUX_DELAY, ...own };
  const skip = (name: string, message: string): void => {
    log.warn(`ignored: ${message}`);
    delete settings[name];
  };
  setAVOptions(context, settings, `mux_params (muxer ${muxer.name})`, {
    use: 'encoding',
    names: MUXER_OPTIONS,
    ...(options.strict === false && { skip }),
  });
  return settings;
}

/** mp4 and its kin: their index comes at the end unless they are told otherwise. */
const INDEX_LAST = new Set(['mp4', 'mov', 'ipod', '3gp', '3g2', 'psp', 'f4v']);
/** Longest piece of a file without pictures, in microseconds: with them every key frame begins one. */
const FRAGMENT = 1_000_000;

/** What a muxer has to be told to write from front to back, where it would not by itself. */
export function streamable(
  { muxer }: Target,
  { streamed, mux_params: given = {} }: EncoderOptions,
  kinds: readonly string[],
): Pick<EncoderOptions, 'mux_params'> {
  const { movflags = '' } = given;
  if (!streamed || !INDEX_LAST.has(muxer.name ?? '') || /frag|empty_moov/.test(String(movflags))) return {};
  const pieces = { movflags: `${movflags}+frag_keyframe+empty_moov+default_base_moof` };
  return { mux_params: { ...(kinds.includes('video') ? {} : { frag_duration: FRAGMENT }), ...given, ...pieces } };
}

/** Makes the context that of a muxer around the target's, which opens the file itself and can be interrupted (slave.ts). */
export function contain(
  context: FormatContext,
  { muxer, name }: Target,
  url: string,
  settings: AVOptionValues,
  protocolWhitelist: string | undefined,
): void {
  const restriction: AVOptionValues = protocolWhitelist === undefined ? {} : { protocol_whitelist: protocolWhitelist };
  const text = slaveText(muxer.name ?? '', { ...settings, ...restriction }, url);
  context.freeContext();
  const around = OutputFormat.guessFormat('tee', null, null);
  check(context.allocOutputContext2(around, null, text), `Cannot prepare ${name}`, { code: 'ERR_MILLRACE_OUTPUT' });
}

/** FFmpeg subtracts both from a number of 32 bits, and reads past its list of segments where that overflows (dashenc.c). */
function refuseWideWindow({ window_size: size = 0, extra_window_size: extra = 5 }: AVOptionValues): void {
  if (!(Number(size) + Number(extra) > 0x7fffffff)) return;
  throw new MillraceError(
    'ERR_MILLRACE_OPTION',
    `mux_params: window_size (${size}) and extra_window_size (${extra}) together are more than ${0x7fffffff} segments`,
    { hint: 'Leave window_size out to keep all of them' },
  );
}

/** The file itself is opened outside of the context that has the list. */
function refuseProtocol({ path, name }: Target, whitelist: string | undefined): void {
  if (whitelist === undefined || isPermitted(protocolOf(path), new Set(whitelist.split(',')))) return;
  throw new MillraceError(
    'ERR_MILLRACE_OUTPUT',
    `Cannot write ${name}: the graph may not open '${protocolOf(path)}:'`,
    {
      hint: 'It comes from a graph file of unknown origin: see `allow` of fromConfig',
    },
  );
}
