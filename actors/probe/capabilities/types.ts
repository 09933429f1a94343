/** What this FFmpeg and this machine have, as data. */

/** An option as FFmpeg describes it. What is not known is not there. */
export interface FFmpegOption {
  readonly name: string;
  readonly help?: string;
  /** FFmpeg's: 'int', 'string', 'flags', 'bool', 'duration', 'image_size', … */
  readonly type?: string;
  readonly default?: string | number | boolean;
  /** Of numbers. */
  readonly min?: number;
  readonly max?: number;
  /** Names of values; of 'flags' several may be joined by '+'. */
  readonly values?: readonly string[];
}

export type PadKind = 'video' | 'audio';

export interface FilterCapability {
  readonly name: string;
  readonly description: string;
  /** Kinds of its inputs and outputs; 'any' where its options say how many. */
  readonly inputs: readonly PadKind[] | 'any';
  readonly outputs: readonly PadKind[] | 'any';
  /** Asked of FFmpeg when they are read; not in JSON. */
  readonly options: readonly FFmpegOption[];
}

export type CodecKind = 'video' | 'audio' | 'subtitle' | 'data' | 'attachment';

export interface CoderCapability {
  readonly name: string;
  readonly description: string;
  readonly kind: CodecKind;
  /** Name of the codec: 'h264' of 'libx264'. */
  readonly codec: string;
  readonly hardware: boolean;
  readonly experimental: boolean;
  /** What an encoder takes; missing where it does not say. */
  readonly pixelFormats?: readonly string[];
  readonly sampleFormats?: readonly string[];
  readonly sampleRates?: readonly number[];
  /** Asked of FFmpeg when they are read; not in JSON. Its own, without those of all codecs. */
  readonly options: readonly FFmpegOption[];
}

export interface CodecCapability {
  readonly name: string;
  readonly kind: CodecKind;
  /** Names of coders. */
  readonly decoders: readonly string[];
  readonly encoders: readonly string[];
}

export interface FormatCapability {
  readonly name: string;
  readonly description: string;
  /** Without the dot. */
  readonly extensions: readonly string[];
  /** Whether it can be read, and written. */
  readonly input: boolean;
  readonly output: boolean;
  /** Codecs that FFmpeg's muxer is made for. */
  readonly video?: string;
  readonly audio?: string;
  readonly subtitle?: string;
  /** Of the demuxer and of the muxer, without those of all formats. Not in JSON. */
  readonly inputOptions: readonly FFmpegOption[];
  readonly outputOptions: readonly FFmpegOption[];
}

export interface ProtocolCapability {
  readonly name: string;
  readonly input: boolean;
  readonly output: boolean;
}

export interface PixelFormatCapability {
  readonly name: string;
  /** With all of its planes; missing for those in the memory of devices. */
  readonly bitsPerPixel?: number;
  /** Pixels are in the memory of a device. */
  readonly hardware: boolean;
}

export interface FFmpegVersion {
  readonly version: string;
  readonly configuration: string;
  /** Versions by name. */
  readonly libraries: Readonly<Record<string, string>>;
}

export interface Capabilities {
  readonly ffmpeg: FFmpegVersion;
  readonly filters: readonly FilterCapability[];
  readonly codecs: readonly CodecCapability[];
  readonly decoders: readonly CoderCapability[];
  readonly encoders: readonly CoderCapability[];
  readonly formats: readonly FormatCapability[];
  readonly protocols: readonly ProtocolCapability[];
  readonly pixelFormats: readonly PixelFormatCapability[];
  readonly sampleFormats: readonly string[];
  /** Kinds of devices that this FFmpeg could use ('cuda', 'vaapi', …); whether the machine has one is another matter. */
  readonly hardware: readonly string[];
}
