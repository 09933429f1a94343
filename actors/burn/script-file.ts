/** Text subtitles as a file that libass reads: Matroska, which has times in milliseconds and fonts. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AV_PKT_FLAG_KEY, AVMEDIA_TYPE_SUBTITLE } from 'node-av/constants';
import { type CodecParameters, Dictionary, Packet } from 'node-av/lib';
import { check, ledger, MICROSECONDS, type StreamInfo, type Subtitle } from '../../src/media/index.js';
import type { ModuleContext } from '../../src/module/contract.js';
import { Muxer } from '../encoder/mux/muxer.js';
import { chooseTarget } from '../encoder/output/format.js';
import { SubtitleEncoder, textFormat } from '../subtitles/index.js';

/** Inputs of the muxer: that of the subtitles and the first of the fonts. */
const TEXT = 2;
const FONTS = 3;

/**
 * Makes the file, lets it be read, and takes it away again.
 * @param subtitles By their starts; each has an end.
 * @param read What it returns is returned.
 */
export function withScript<T>(
  ctx: Pick<ModuleContext, 'log'>,
  subtitles: readonly Subtitle[],
  { header, fonts }: { readonly header: string | undefined; readonly fonts: readonly StreamInfo[] },
  read: (path: string) => T,
): T {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-subtitles-'));
  try {
    const path = join(folder, 'subtitles.mkv');
    write(path, ctx, subtitles, header, fonts);
    return read(path);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function write(
  path: string,
  { log }: Pick<ModuleContext, 'log'>,
  subtitles: readonly Subtitle[],
  header: string | undefined,
  fonts: readonly StreamInfo[],
): void {
  const options = {
    output_path: path,
    input_kinds: ['subtitle' as const, ...fonts.map(() => 'attachment' as const)],
  };
  const inputs = options.input_kinds.map((_, i) => i + TEXT);
  const target = chooseTarget(options);
  const muxer = new Muxer(target, inputs, options, { log, protocolWhitelist: 'file' });
  const packet = new Packet();
  packet.alloc();
  ledger.opened('scratch-packet');
  // The muxer asks for them when it knows of all.
  const parameters = fonts.map((font) => font.toCodecParameters());
  try {
    const format = textFormat('ass')!;
    const encoder = new SubtitleEncoder(format, header);
    void muxer.add(TEXT, {
      kind: 'subtitle',
      timeBase: MICROSECONDS,
      describe({ codecpar }) {
        codecpar.codecType = AVMEDIA_TYPE_SUBTITLE;
        codecpar.codecId = format.id;
        codecpar.extradata = Buffer.from(encoder.extradata ?? []);
      },
    });
    for (const [i, { metadata }] of fonts.entries()) addFont(muxer, FONTS + i, parameters[i]!, metadata);
    for (const subtitle of subtitles) {
      packet.data = Buffer.from(encoder.encode(subtitle).bytes);
      packet.pts = packet.dts = BigInt(Math.round(subtitle.start));
      packet.duration = BigInt(Math.round(subtitle.end)) - packet.pts;
      packet.flags = AV_PKT_FLAG_KEY;
      void muxer.write(TEXT, packet);
      packet.unref();
    }
    void muxer.end();
  } finally {
    packet.free();
    ledger.closed('scratch-packet');
    for (const each of parameters) each.free();
    muxer.close();
  }
}

function addFont(muxer: Muxer, input: number, parameters: CodecParameters, tags: StreamInfo['metadata']): void {
  const { filename = `font-${input}`, mimetype = '' } = tags;
  void muxer.add(input, {
    kind: 'attachment',
    timeBase: MICROSECONDS,
    describe(stream) {
      check(parameters.copy(stream.codecpar), 'Cannot describe a font');
      // FFmpeg hands nothing to libass that is called something else.
      stream.metadata = Dictionary.fromObject({ filename, mimetype: KNOWN.test(mimetype) ? mimetype : 'font/ttf' });
    },
  });
}

/** As FFmpeg's filter knows them. */
const KNOWN =
  /^(font\/(ttf|otf|sfnt|woff2?)|application\/(font-(sfnt|woff)|x-truetype-font|vnd\.ms-opentype|x-font-ttf))$/i;
