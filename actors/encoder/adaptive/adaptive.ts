/** What hls and dash outputs of several variants need beside FFmpeg's muxers: their map, their key, a master playlist that is right. */
import { statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { FormatContext, Stream } from 'node-av/lib';
import { MillraceError } from '../../../src/errors/errors.js';
import type { StreamKind } from '../../../src/media/packet/stream-info.js';
import { setAVOptions } from '../../shared/avoptions.js';
import { localPath } from '../../shared/location.js';
import type { EncoderOptions } from '../options.js';
import type { Target } from '../output/format.js';
import { HlsKey } from './hls-key.js';
import { completeManifest } from './manifest.js';
import { completeMaster, type PublishedStream } from './playlists.js';
import { variantMap } from './variant-map.js';

/** A stream of the output, when all are known. */
interface Present {
  readonly kind: StreamKind;
  readonly number: number;
  readonly stream: Stream;
}

export class AdaptiveOutput {
  readonly #target: Target;
  readonly #options: EncoderOptions;
  #key: HlsKey | undefined;
  /** Of the file that FFmpeg writes; undefined where there is none, or not here. */
  readonly #master: string | undefined;
  #streams: readonly PublishedStream[] = [];
  /** When the playlist was last completed. */
  #completedAt = 0;
  /** Every variant that is in it has segments. */
  #isMeasured = false;

  /**
   * @returns undefined for an output that is none of these.
   * @throws MillraceError ERR_MILLRACE_OPTION for options that are of no use to the format.
   */
  static of(target: Target, options: EncoderOptions): AdaptiveOutput | undefined {
    refuseIdle(target.format.name ?? '', options);
    if (target.muxer.name !== 'hls' && target.muxer.name !== 'dash') return undefined;
    return new AdaptiveOutput(target, options);
  }

  private constructor(target: Target, options: EncoderOptions) {
    this.#target = target;
    this.#options = options;
    this.#master = masterPath(target, options);
  }

  /** Gives the muxer what depends on which streams there are, before the header. */
  prepare(context: FormatContext, present: readonly Present[]): void {
    const { variants } = this.#options;
    const muxer = this.#target.muxer.name ?? '';
    const standard = variants && (variants.default_audio ?? 0);
    this.#streams = present.flatMap(({ kind, number, stream }) =>
      kind === 'video' || kind === 'audio' || kind === 'subtitle'
        ? [published(kind, stream, kind === 'audio' && standard !== undefined ? number === standard : undefined)]
        : [],
    );
    const values: Record<string, string> = {};
    this.#key = this.#options.encrypt && new HlsKey(this.#options.encrypt);
    if (this.#key) values.hls_key_info_file = this.#key.infoPath;
    if (variants) {
      const streams = present.map(({ kind, number, stream }) => ({ kind, number, language: languageOf(stream) }));
      const { name, value } = variantMap(muxer, streams, variants);
      values[name] = value;
    }
    setAVOptions(context, values, `mux_params (muxer ${muxer})`, { use: 'encoding' });
  }

  /** A key frame was written: FFmpeg may have written the playlist anew. */
  keyFrame(): void {
    const at = this.#master === undefined ? 0 : (statSync(this.#master, { throwIfNoEntry: false })?.mtimeMs ?? 0);
    if (at > this.#completedAt || (at > 0 && !this.#isMeasured)) this.#completeMaster();
  }

  /** The output is complete. @returns what is missing, in words. @throws an error of the file system. */
  end(): string | undefined {
    const isEmpty = this.#completeMaster() === false;
    const file = localPath(this.#target.path);
    const isSplit = !['1', 'true'].includes(String(this.#options.mux_params?.single_file));
    // Live outputs may be removed at their end (remove_at_exit).
    const isThere = file !== undefined && statSync(file, { throwIfNoEntry: false }) !== undefined;
    if (this.#target.muxer.name === 'dash' && isThere && isSplit) completeManifest(file);
    if (!isEmpty) return undefined;
    return `${this.#master} has nothing to play: FFmpeg lists no variant whose segments all last half a second or less`;
  }

  /** @returns undefined where there is none. */
  #completeMaster(): boolean | undefined {
    if (this.#master === undefined || statSync(this.#master, { throwIfNoEntry: false }) === undefined) return undefined;
    const { isOfUse, isMeasured } = completeMaster(this.#master, this.#streams);
    this.#isMeasured = isMeasured;
    this.#completedAt = statSync(this.#master).mtimeMs;
    return isOfUse;
  }

  close(): void {
    this.#key?.close();
  }
}

function refuseIdle(format: string, { variants, encrypt, mux_params: mux = {} }: EncoderOptions): void {
  const refuse = (what: string, hint: string): never => {
    throw new MillraceError('ERR_MILLRACE_OPTION', what, { hint });
  };
  if (variants && format !== 'hls' && format !== 'dash') {
    refuse(`variants: the format '${format}' has no variants`, "Use format: 'hls' or 'dash'");
  }
  if (!encrypt) return;
  if (format !== 'hls') refuse(`encrypt: the format '${format}' has no such encryption`, "Use format: 'hls'");
  if (mux.hls_segment_type === 'fmp4') {
    refuse(
      'encrypt: FFmpeg encrypts MPEG-TS segments only, and hls_segment_type is fmp4',
      'Leave hls_segment_type out',
    );
  }
}

/** As hlsenc.c and dashenc.c have it. */
function masterPath({ path, muxer }: Target, { mux_params: mux = {} }: EncoderOptions): string | undefined {
  const file = localPath(path);
  if (file === undefined) return undefined;
  if (muxer.name === 'dash') {
    const hasOne = ['1', 'true'].includes(String(mux.hls_playlist));
    return hasOne ? join(dirname(file), String(mux.hls_master_name ?? 'master.m3u8')) : undefined;
  }
  if (mux.master_pl_name === undefined) return undefined;
  const folder = dirname(file);
  const isPerVariant = basename(folder).includes('%v');
  return join(isPerVariant ? dirname(folder) : folder, String(mux.master_pl_name));
}

function published(
  kind: 'video' | 'audio' | 'subtitle',
  stream: Stream,
  isDefault: boolean | undefined,
): PublishedStream {
  const { codecpar, avgFrameRate: rate } = stream;
  return {
    ...{ kind, width: codecpar.width, height: codecpar.height, isDefault },
    frameRate: kind === 'video' && rate.num > 0 && rate.den > 0 ? rate.num / rate.den : undefined,
    language: languageOf(stream),
    title: stream.metadata?.get('title') ?? undefined,
  };
}

function languageOf(stream: Stream): string | undefined {
  return stream.metadata?.get('language') ?? undefined;
}
