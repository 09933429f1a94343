/**
 * Options of the built-in modules as TypeScript sees them. They are BMF's and shared with graph files, hence the
 * snake_case names. What is accepted is decided by the modules' schemas (actors/<module>/options.ts), which also take
 * what files hold: numbers as strings, 0 and 1 for booleans.
 */

import type { Bytes, SeekableSource } from '../../media/bytes/source.js';
import type { DeviceKind } from '../../media/device/device.js';
import type { LogLevel } from '../../media/ffmpeg.js';
import type { StreamKind } from '../../media/packet/stream-info.js';
import type { OnError } from '../../module/contract.js';
import type { ByteOutput } from '../output/open-sink.js';
import type { StreamSelection } from './stream-selection.js';

/** FFmpeg options (AVOptions) by name; one that FFmpeg does not know is an error. */
export type AVOptions = Readonly<Record<string, string | number | boolean | undefined>>;

/** Of the node, which built-in modules may have among their options. */
interface OfTheNode {
  /** What ends when it fails: the graph (default), or its own branch only (docs/failure.md). */
  on_error?: OnError | undefined;
}

/** Other keys are options of the decoder. */
export interface DecoderVideoParams extends HardwareOptions {
  extract_frames?: { fps?: number | undefined } | undefined;
  [option: string]: unknown;
}

/** Where video is decoded: docs/hardware.md. */
export interface HardwareOptions {
  /**
   * A kind of device to decode video on, by FFmpeg's name. 'auto': the first of the system's that can be opened and knows the codec,
   * else the processor, with a warning. Default: the processor.
   */
  hwaccel?: 'auto' | 'none' | DeviceKind | undefined;
  /** The name of the device, such as '1' or '/dev/dri/renderD129'. Default: the first. */
  hwaccel_device?: string | undefined;
  /**
   * The format of decoded pictures. That of the device ('cuda', 'vaapi', 'vulkan', …) leaves them there, for filters and encoders
   * that work on it. Default: they are brought into main memory.
   */
  hwaccel_output_format?: string | undefined;
  /** true: where the device cannot be opened, or does not know the codec, the processor decodes, with a warning. */
  hwaccel_check?: boolean | 0 | 1 | undefined;
}

/** When and how often a peer of the network that was lost is looked for again. */
export interface ReconnectOptions {
  /** Tries in a row, from 1 on; -1: for ever. Default 20. */
  attempts?: number | undefined;
  /** Milliseconds before the first try; each further one waits twice as long, up to 30 s (or this, if it is longer). Default 500. */
  backoff_ms?: number | undefined;
  /** Of an input: milliseconds without a packet after which it counts as lost; 0: never. Default 5000. */
  stall_ms?: number | undefined;
  /** Of an input: when no try is left the graph fails (default), or the input ends with a warning. */
  give_up?: 'fail' | 'end' | undefined;
}

export interface DecoderOptions extends OfTheNode, HardwareOptions {
  /**
   * File or URL, as text or as a URL object. Absent: what is decoded comes on input 0. Of `file://…` percent signs are
   * decoded; `file:` and a path, FFmpeg's form, is taken as it is.
   */
  input_path?: string | URL | undefined;
  /**
   * Instead: what the program has, and is read from anywhere in it. Bytes in memory are copied once when the node is made,
   * unless their memory is shared; a Blob and an object with `read` are read on the thread of the program, piece by piece,
   * and such an object is closed when the run has ended. Not in files.
   */
  input?: Bytes | SeekableSource | undefined;
  /** Absolute index of the video stream in the container; -1: the one that FFmpeg holds for the best. */
  map_v?: number | undefined;
  /** The same for audio. */
  map_a?: number | undefined;
  /** The streams of the outputs 2, 3, … in their order; `select` of the decoder's handle adds to it. */
  streams?: readonly StreamSelection[] | undefined;
  /**
   * Seconds, also as text: `'1:30.5'`; frame-accurate where the container has an index. MPEG-TS and MPEG-PS are entered anywhere, as by the ffmpeg
   * command: pictures before the next key frame are missing, and the report says how many seconds. Where no key frame
   * follows, a local file is decoded from its beginning.
   */
  start_time?: number | string | undefined;
  /** The same, on the clock of the input: frames from there on are left out. */
  end_time?: number | string | undefined;
  /** Several ranges in seconds: [start, end, start, end, …]. */
  durations?: readonly number[] | undefined;
  /** Stop after that many pictures; after that many packets where they are copied. */
  vframes?: number | undefined;
  /** The same for sound. */
  aframes?: number | undefined;
  /** Keep the container's timestamps instead of starting at 0. */
  copyts?: boolean | undefined;
  /** With `copyts`: all shifted by the same, so that the beginning of the container is 0. */
  start_at_zero?: boolean | undefined;
  /**
   * The times at which packets came, on the machine's clock, instead of the container's; from 0 on without `copyts`. Not for
   * pictures that are shown in another order than they come (B-frames): they would have each other's times.
   */
  use_wallclock_as_timestamps?: boolean | undefined;
  /** AVDiscard: 0 default, 8 non-reference, 16 bidirectional, 24 non-intra, 32 non-key, 48 all. */
  skip_frame?: number | undefined;
  /** Name of the decoder; 'copy' hands the packets on as they are. Default: by the stream. */
  video_codec?: string | undefined;
  /** The same for audio. */
  audio_codec?: string | undefined;
  /** Time base of the video, "num,den" in seconds, in place of the stream's own. */
  video_time_base?: string | undefined;
  /** Frames per second where the input tells none: pictures in a row, raw video, bitstreams alone, cameras. Default 25, of a camera its own. */
  fps?: number | undefined;
  /** `extract_frames: { fps }`: so many frames per second of all that there are. Other keys are options of the decoder. */
  video_params?: DecoderVideoParams | undefined;
  /** Options of demuxer and codecs (`threads`, …); `f` names the demuxer. */
  dec_params?: AVOptions | undefined;
  /** Turn pictures as the display matrix says. */
  autorotate?: boolean | undefined;
  /**
   * Cut off what is not to be shown: what the bitstream says ('codec': the conformance window of H.264 and HEVC), what
   * the container says ('container': `clap` of mp4 and mov, PixelCrop of Matroska), 'all' (default, true) or 'none'
   * (false).
   */
  apply_cropping?: 'none' | 'all' | 'codec' | 'container' | boolean | 0 | 1 | undefined;
  /** Size of pictures without a container ("320x240"). */
  s?: string | undefined;
  /** Pixel format of pictures without a container. */
  pix_fmt?: string | undefined;
  /** Key of an input with common encryption (cenc): 32 hexadecimal digits. */
  decryption_key?: string | undefined;
  /** Pixels; pictures with a longer side are left out. */
  max_width_height?: number | undefined;
  /** The input fails after so many of them. */
  max_limit_hits?: number | undefined;
  /** Play the input that many more times, with timestamps that go on; -1: for ever. */
  loop?: number | undefined;
  /**
   * Milliseconds that one step of the input may take: to answer and to be opened, to show its streams, to bring the next
   * packet; then the graph fails with ERR_MILLRACE_INPUT. 0: for ever. Default for everything that is no file: 30000,
   * unless `dec_params` or the URL has a timeout of FFmpeg's own. Files have none; with one they are read as the network
   * is, so that a disk that does not answer can be left.
   */
  timeout_ms?: number | undefined;
  /** Open the input when the graph runs, and not already when it is initialised, before any node of it runs. */
  delay_init_input?: boolean | undefined;
  /** Pictures carry the time that they have in the input, in seconds, as `metadata.orig_pts_time`. */
  orig_pts_time?: boolean | undefined;
  /** Pictures carry their number among those decoded, from 0 on, as `metadata.inputFrmOrder`. */
  io_frm_match?: boolean | undefined;
  /**
   * Opens the input again when it was lost: after an end (of one that is live), an error, or `stall_ms` of silence. Its
   * timestamps go on, behind a gap as long as it was away, and the first packet of each stream has `discontinuity`. What
   * is downstream lives on. true: with all defaults. See docs/live.md.
   */
  reconnect?: boolean | ReconnectOptions | undefined;
  /**
   * What comes as it is made: little is looked at before it begins (a second), decoders hold back nothing, and its end
   * means that it was lost (`reconnect`). Latency is measured. Absent: an input without a length is taken for live by
   * `reconnect`.
   */
  live?: boolean | undefined;
  /**
   * With `live`: what is left out when the graph is behind by more than `drop_after_ms`. 'none' (default): nothing, the
   * peer waits. 'non-key': pictures up to the next key frame. 'oldest': everything up to the latest key frame that is there.
   */
  drop?: 'none' | 'non-key' | 'oldest' | undefined;
  /** Milliseconds. Default 1000. */
  drop_after_ms?: number | undefined;
  /** Deliver at the speed of the timestamps. */
  realtime?: boolean | undefined;
  /**
   * Packets on input 0 go to the decoder one by one, without a container. Needs `video_codec` and `video_time_base`, or
   * `audio_codec`, `channels` and `sample_rate`.
   */
  push_raw_stream?: boolean | 0 | 1 | undefined;
  /** Codec headers, if the packets of such a stream do not hold them (avcC of H.264). */
  extradata?: Uint8Array | string | undefined;
  /** Channels of such a stream of sound. */
  channels?: number | undefined;
  /** Hz, of such a stream of sound. */
  sample_rate?: number | undefined;
  /** Sample format of such a stream of sound, such as 's16' or 'fltp'. */
  sample_fmt?: string | undefined;
  /**
   * Seconds; where a file on input 0 follows another one and goes on with the same clock: what began before the last frame by no
   * more than this repeats it and is left out. Default 10.
   */
  overlap_time?: number | undefined;
  /** Seconds; there, a gap up to this is kept, a longer one is closed. Default 10. */
  cut_off_time?: number | undefined;
  /** Seconds from the last frame to the first of the next file where the gap is closed. Default 1/30. */
  cut_off_interval?: number | undefined;
  /** What FFmpeg writes to stderr from here on, in the whole process. Default: nothing. */
  loglevel?: LogLevel | undefined;
}

/** One FFmpeg filter; or a whole graph, as BMF's list or in FFmpeg's syntax. Exactly one of `name`, `filters` and `graph`. */
export interface FilterOptions extends OfTheNode {
  /** FFmpeg's name of one filter, also with a name of the instance: `scale`, `scale@small`. */
  name?: string | undefined;
  /** That filter's arguments in FFmpeg's syntax, such as '320:240' or 'w=320:h=240'. */
  para?: string | number | undefined;
  /** BMF's form of several linked filters. */
  filters?: readonly FilterEntry[] | undefined;
  /**
   * FFmpeg's syntax. A number before a filter is the node's input, a number after it the node's output:
   * '[0][1]overlay=10:20[0]'. Other labels join filters; pads without one take the remaining inputs and outputs in order.
   */
  graph?: string | undefined;
  /**
   * Threads that FFmpeg may use inside of the filters; 0: as many as there are cores, and one for what is soon done (most filters
   * of sound, simple ones of small pictures).
   */
  threads?: number | undefined;
  /**
   * The device for `hwupload`, and for filters of its kind: 'vulkan', 'cuda:1', 'vaapi:/dev/dri/renderD128'. Default: the one
   * that the frames are on, else the first of the kind that the filters name.
   */
  hwaccel_device?: string | undefined;
}

/** A filter in BMF's list form. */
export interface FilterEntry {
  name: string;
  para?: string | number | undefined;
  /** Inputs of the node that go into this filter. */
  inputs?: readonly { stream: number | string; pin: number }[] | undefined;
  /** Outputs of the node that come out of this filter. */
  outputs?: readonly { stream: number | string; pin: number }[] | undefined;
  /** From pin `input_pin` of this filter to pin `output_pin` of filter `output_filter`. */
  links?: readonly { input_pin: number; output_pin: number; output_filter: number }[] | undefined;
}

export interface EncoderOptions extends OfTheNode {
  /** File or URL to write, as text or as a URL object. */
  output_path?: string | URL | undefined;
  /**
   * Instead: takes the bytes of the file, on the thread of the program, as a node of its own (`<alias>.output`): a sink, or a
   * writable stream of Node.js or the web, into which the container is written as by `streamed`. `format` names it, mp4
   * without it. Not in files. docs/sources.md
   */
  output?: ByteOutput | undefined;
  /** In a graph that serves jobs: folder for their files, `<output_prefix>/<number of the job>/output.<format>`. */
  output_prefix?: string | undefined;
  /** Muxer; guessed from the path, mp4 when that tells nothing. */
  format?: string | undefined;
  /** Encode and discard. */
  null_output?: boolean | undefined;
  /**
   * 0: write the file. 1: its bytes on output 0, as EncodedPackets with `offset` and `whence`. 2: encoded packets behind a
   * StreamInfo, those of input i on output i. 3: the frames as they came, likewise.
   */
  push_output?: 0 | 1 | 2 | 3 | undefined;
  /**
   * With `push_output: 1` or `output`: the muxer never goes back, as if it wrote into a pipe. mp4 is written in fragments
   * then, unless `movflags` say how. Default false.
   */
  streamed?: boolean | 0 | 1 | undefined;
  /** Bytes of a piece with `push_output: 1` (default 16384) or `output` (65536). */
  avio_buffer_size?: number | undefined;
  /**
   * Milliseconds that a peer of the network may take nothing, at every step: to be reached, to take the header, a packet,
   * the rest; then the graph fails with ERR_MILLRACE_OUTPUT. 0: for ever. Default for everything that is no file: 30000.
   */
  timeout_ms?: number | undefined;
  /**
   * A peer of the network that was lost is looked for again, and the output goes on with a new header and a key frame, at the
   * times that it has then. What comes meanwhile is left out; nobody waits for it. Not for formats that write files one by
   * one (hls, dash). true: with all defaults. See docs/live.md.
   */
  reconnect?: boolean | Pick<ReconnectOptions, 'attempts' | 'backoff_ms'> | undefined;
  /**
   * What is left out when more than 512 KiB wait for a peer of the network. 'none' (default): nothing, the graph waits.
   * 'non-key': pictures up to the next key frame. 'oldest': everything up to the latest key frame that waits.
   */
  drop?: 'none' | 'non-key' | 'oldest' | undefined;
  /** Of an output of the network, and of one with `timeout_ms`: bytes that may wait for its peer. Default 524288. */
  queue_bytes?: number | undefined;
  /**
   * What becomes of it when more wait: `'wait'` (default) holds back the encoder and all that feeds it, `'fail'` fails the
   * node, which with `on_error: 'drop-branch'` ends this output alone.
   */
  when_full?: 'wait' | 'fail' | undefined;
  /** Options of the muxer: movflags, hls_time, … */
  mux_params?: AVOptions | undefined;
  /**
   * Packets of a stream that may wait because another input has sent nothing, if they are more than
   * `muxing_queue_data_threshold` bytes. Default 128. What is more fails the graph while the file cannot begin, and is written
   * out of order after that.
   */
  max_muxing_queue_size?: number | undefined;
  /** Bytes. Default 52428800 (50 MiB). */
  muxing_queue_data_threshold?: number | undefined;
  /** Tags of the file, beside those of its source; an empty text takes one away. false: none, also none of its streams. */
  metadata?: Readonly<Record<string, string | number>> | false | undefined;
  /** How video is encoded: for all of its streams, or a list with one for each. */
  video_params?: VideoParams | readonly VideoParams[] | undefined;
  /** How audio is encoded, likewise. */
  audio_params?: AudioParams | readonly AudioParams[] | undefined;
  /** How subtitles are written, likewise: docs/subtitles.md. */
  subtitle_params?: SubtitleParams | readonly SubtitleParams[] | undefined;
  /**
   * What comes on the inputs 2, 3, …; input 0 is video, 1 is audio. The function `encode` fills it in. In the file streams
   * stand by kind, in this order of kinds, and then by input.
   */
  input_kinds?: readonly StreamKind[] | undefined;
  /**
   * Chapters of the file, in seconds of its own clock, in place of its source's; one without an `end` lasts until the next.
   * false: none.
   */
  chapters?: readonly ChapterTexts[] | false | undefined;
  /** Alias of the decoder whose input the tags come from. Default: that of the first stream. */
  map_metadata?: string | undefined;
  /** The same for chapters. Default: the first whose input has some. */
  map_chapters?: string | undefined;
  /**
   * Of hls and dash: every video stream is a rendition, and every audio stream one that goes with all of them; the muxer's
   * map (`var_stream_map`, `adaptation_sets`) is made from the streams that there are. Names by number are put in place of
   * %v in the path of hls. The function `ladder` fills it in.
   */
  variants?: OutputVariants | undefined;
  /** Of hls with segments of MPEG-TS: AES-128 of every segment. */
  encrypt?: HlsEncryption | undefined;
  /** What is said of the streams of the file, by kind and number. */
  streams?: { [kind in StreamKind]?: readonly StreamTexts[] | undefined } | undefined;
  /** Stop after that many pictures. */
  vframes?: number | undefined;
  /** Stop after that many frames of sound. */
  aframes?: number | undefined;
  /** Repeat the last frame until there are that many. */
  min_frames?: number | undefined;
  /** Shift timestamps so that they start at 0. */
  adjust_pts?: boolean | undefined;
  /**
   * The times stay as they come, as those of a decoder with `copyts`: where the format has a constant frame rate the time
   * before the first frame is not filled with copies of it.
   */
  copyts?: boolean | undefined;
  /**
   * The output ends with the first of its streams that ends, as with the ffmpeg command's -shortest. Streams wait for one
   * another before they are encoded; an input that is ahead is held back. Default false: it ends with the last.
   */
  shortest?: boolean | undefined;
  /**
   * Of two passes the first, which writes statistics of the pictures and nothing else, or the second, which spends the bits by
   * them: libx264 and libx265 with a `bit_rate`. The function `twoPass` runs both.
   */
  pass?: 1 | 2 | undefined;
  /** Where the statistics are: `<passlogfile>-<number of the video stream>.log`. Default 'ffmpeg2pass'. */
  passlogfile?: string | undefined;
  /** The same as `video_params.force_key_frames`. */
  force_key_frames?: string | number | undefined;
  /**
   * For debugging, with the same option of the decoder: into `<output_path>_iofrm.txt` goes how many pictures of the output came
   * of each picture of the input.
   */
  io_frm_match?: boolean | undefined;
  /**
   * false: an option of `video_params`, `audio_params` or `mux_params` that the chosen encoder or muxer does not know is a
   * warning that names it, as in BMF, and the default of graph files. Default true: it is an error.
   */
  strict?: boolean | undefined;
  /** What FFmpeg writes to stderr from here on, in the whole process. Default: nothing. */
  loglevel?: LogLevel | undefined;
}

export interface OutputVariants {
  video?: readonly string[] | undefined;
  audio?: readonly string[] | undefined;
  /** Number of the audio stream that plays unless another one is chosen. Default 0. */
  default_audio?: number | undefined;
}

export interface HlsEncryption {
  /** What the playlists say of where players get the key. */
  uri: string;
  /** 16 bytes as 32 hexadecimal digits. Default: drawn; then `key_path` must be given. */
  key?: string | undefined;
  /** Likewise. Default: drawn. */
  iv?: string | undefined;
  /** The 16 bytes of the key are written there, readable by their owner only. */
  key_path?: string | undefined;
}

export interface ChapterTexts {
  /** Seconds at which it begins. */
  start: number;
  /** Seconds at which it ends. Default: where the next one begins; the last one needs it. */
  end?: number | undefined;
  /** What it is called. */
  title?: string | undefined;
  /** Further tags. */
  tags?: Readonly<Record<string, string | number>> | undefined;
}

/** What a file says of one of its streams, in place of what the source says. */
export interface StreamTexts {
  /** Three letters as a rule (ISO 639-2): 'deu'. */
  language?: string | undefined;
  /** What it is called. */
  title?: string | undefined;
  /** FFmpeg's names of what it is for: 'default', 'forced', 'comment', 'attached_pic' (a cover), …; [] for nothing. */
  disposition?: string | readonly string[] | undefined;
  /** Further tags, beside those of the source; an empty text takes one away. */
  metadata?: Readonly<Record<string, string | number>> | undefined;
}

/** Other keys (crf, preset, g, maxrate, …) are options of the codec. */
export interface VideoParams {
  /** h264 (default), hevc, jpg, png, av1, … or any encoder name. */
  codec?: string | undefined;
  /** Pixels; frames are scaled when theirs differ. -2 keeps the aspect. */
  width?: number | undefined;
  /** The same for the height. */
  height?: number | undefined;
  /** Pixel format, such as 'yuv420p'. Default: the nearest to the source's that the encoder takes. */
  pix_fmt?: string | undefined;
  /** Frames per second of the file; frames are doubled or dropped for it, and counted. */
  r?: number | string | undefined;
  /** Most frames per second. */
  max_fr?: number | string | undefined;
  /** How frames are put on the output's time line; auto goes by the muxer. */
  vsync?: 'auto' | 'cfr' | 'vfr' | 'passthrough' | 'drop' | undefined;
  /** Threads of the encoder; 'auto': as many as it likes. */
  threads?: number | 'auto' | undefined;
  /** Bits per second, or '1M', '800k'. */
  bit_rate?: number | string | undefined;
  /** Constant quality of encoders that have it, as the ffmpeg command's -q:v. */
  qscale?: number | undefined;
  /** Four letters (FourCC) by which the container calls the codec: 'hvc1'. */
  vtag?: string | number | undefined;
  /** Measure the difference to what was put in (PSNR), for the statistics. */
  psnr?: boolean | undefined;
  /** Time base of the frames that come, "num,den" in seconds, where they do not say theirs. */
  in_time_base?: string | undefined;
  /** Shape of the picture as it is shown, '16:9' or 1.85; the shape of a pixel follows from it. */
  aspect?: number | string | undefined;
  /** For an encoder that works on a device (h264_vaapi, …): 'vaapi:/dev/dri/renderD129', 'cuda:1'. Default: the first. */
  hwaccel_device?: string | undefined;
  /** Times ('0,2.5,00:01:00'), 'expr:gte(t,n_forced*2)' or 'source', as the ffmpeg command's -force_key_frames. */
  force_key_frames?: string | number | undefined;
  [option: string]: string | number | boolean | undefined;
}

/** Other keys are options of the codec. */
export interface AudioParams {
  /** aac (default), libopus, pcm_s16le, … any encoder name. */
  codec?: string | undefined;
  /** Number of channels; sound is mixed down or up to it. Default: the source's. */
  channels?: number | undefined;
  /** Hz; sound is resampled to it. Default: the source's, or the nearest that the encoder takes. */
  sample_rate?: number | undefined;
  /** Bits per second, or '128k'. */
  bit_rate?: number | string | undefined;
  /** Constant quality of encoders that have it, as the ffmpeg command's -q:a. */
  qscale?: number | undefined;
  /** Four letters by which the container calls the codec. */
  atag?: string | number | undefined;
  /** A sample format such as 's16' or 'fltp', or its number (AVSampleFormat). */
  sample_fmt?: string | number | undefined;
  [option: string]: string | number | boolean | undefined;
}

/** docs/subtitles.md */
export interface SubtitleParams {
  /**
   * `subrip`, `ass`, `webvtt`, `mov_text` or `text`, or 'copy'. Default: that of the source if the format holds it, else the
   * text that the format has.
   */
  codec?: 'subrip' | 'srt' | 'ass' | 'ssa' | 'webvtt' | 'mov_text' | 'text' | 'copy' | undefined;
  /** Header of an ASS script with the styles that events name. Default: the source's, or that of the first subtitle. */
  header?: string | undefined;
}

type Ratio = string | number;

/** Options of `burn_subtitles`: docs/subtitles.md. */
export interface BurnOptions {
  /** Of text: what is to look otherwise, in the words of ASS: 'FontName=Arial,FontSize=24,MarginV=40'. */
  style?: string | undefined;
  /** Folder with fonts, beside those of the system and of the file. */
  fonts_dir?: string | undefined;
}

/** Options of `clock`: docs/input-managers.md. */
export interface ClockOptions {
  /** Ticks per second; default 25. */
  fps?: Ratio;
  /** Unit of the ticks' pts; default "1,1000000". */
  time_base?: Ratio;
  /** false: as fast as they are taken. Default true. */
  realtime?: boolean | 0 | 1;
  /** Ends after that many ticks; default -1, never. */
  count?: number;
}

/** Options of `timestamper`. */
export interface TimestamperOptions {
  /** Frames per second; without it packets get the running time at which they come. */
  framerate?: Ratio;
  /** Nanoseconds; default 0. */
  start?: number;
  /** false: everything passes as it is. Default true. */
  set_timestamp?: boolean | 0 | 1;
}

/** Options of `mux`. */
export interface MuxOptions {
  /** The policy, in any case; default slowest (merge: nosync). */
  sync_mode?: string;
  /** basepad: "<base pad>:<duration in ns>". */
  sync_option?: string;
  /** refresh: ends with the first input that ends (any, the default), or when all have. */
  end?: 'any' | 'all';
  /**
   * Seconds without a packet after which an input no longer holds the others: its last packet is used again. For all
   * inputs, or per connected input, null for none.
   */
  timeout?: number | (number | null)[];
  /**
   * Packets that may wait on one input for the others; then `drop_policy` decides instead of back-pressure. For all
   * inputs, or per connected input, null for none.
   */
  max_queue?: number | (number | null)[];
  /** What a full queue gives up; default fail. */
  drop_policy?: 'oldest' | 'newest' | 'fail';
}

/** Options of `merge`. */
export interface MergeOptions extends MuxOptions {
  /** Default: linear for tensors, hstack for pictures, channels for sound. */
  mode?: 'linear' | 'hstack' | 'vstack' | 'grid' | 'channels';
  /** linear: the axis, an index of `shape`; default 0. */
  option?: number;
  /** grid: pictures in a row. */
  columns?: number;
  /** Pictures of another size or format are converted instead of being refused. */
  scale?: boolean | 0 | 1;
}

/** Options by module name; the names without `c_` are the same modules. */
export interface BuiltinModuleOptions {
  c_ffmpeg_decoder: DecoderOptions;
  ffmpeg_decoder: DecoderOptions;
  c_ffmpeg_filter: FilterOptions;
  ffmpeg_filter: FilterOptions;
  c_ffmpeg_encoder: EncoderOptions;
  ffmpeg_encoder: EncoderOptions;
  burn_subtitles: BurnOptions;
  pass_through: Readonly<Record<string, never>>;
  null_sink: Readonly<Record<string, never>>;
  clock: ClockOptions;
  timestamper: TimestamperOptions;
  mux: MuxOptions;
  merge: MergeOptions;
  split: Readonly<Record<string, never>>;
  assemble: { tickets?: boolean | undefined };
}
