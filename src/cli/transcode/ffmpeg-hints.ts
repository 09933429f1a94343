/** What stands here for the options of the ffmpeg command, for those who type them out of habit. */

const CODECS = '--vcodec and --acodec, or --copy';
const HERE: Readonly<Record<string, string>> = {
  '-i': 'inputs are named without it, and the output comes last: millrace transcode in.mp4 out.mp4',
  '-y': 'not needed, as an output that exists is overwritten',
  '-n': 'there is none, an output that exists is overwritten',
  '-c': CODECS,
  '-codec': CODECS,
  '-c:v': '--vcodec',
  '-codec:v': '--vcodec',
  '-vcodec': '--vcodec',
  '-c:a': '--acodec',
  '-codec:a': '--acodec',
  '-acodec': '--acodec',
  '-b': '--bitrate',
  '-b:v': '--bitrate',
  '-pass': '--two-pass',
  '-filter_complex': '--filter-complex',
  '-lavfi': '--filter-complex',
  '-filter:v': '--vf',
  '-filter:a': '--af',
  '-f': '--format',
  '-s': '--scale',
  '-vn': '--no-video',
  '-an': '--no-audio',
  '-sn': '--map -0:s',
  '-ss': '--start',
  '-to': '--end',
  '-t': '--end, a time and not a duration',
  '-r': '--vf fps=25',
  '-ac': '--af aformat=channel_layouts=mono',
  '-ar': '--af aresample=48000',
  '-v': '--quiet',
  '-loglevel': '--quiet',
  '-hide_banner': '--quiet',
  '-version': '--version, and millrace env',
  '-threads': '--threads, of the graph',
  '-metadata': '--metadata title=Film',
  '-metadata:s': '--metadata s:a:0:language=deu',
};

/**
 * @param message Of commander, about an unknown option.
 * @param known The options there are, with both dashes.
 * @returns a line to be added to it; '' unless the option is written as ffmpeg has its own.
 */
export function ffmpegHint(message: string, known: readonly string[]): string {
  const option = /unknown option '(-[a-z](?:[\w-]*\w)?(?::[vas])?)/.exec(message)?.[1];
  if (option === undefined) return '';
  if (HERE[option] !== undefined) return `(of ffmpeg ${option}: ${HERE[option]})\n`;
  if (known.includes(`-${option}`)) return `(Did you mean -${option}?)\n`;
  // A letter alone may be a slip.
  if (option.length === 2) return '';
  return `(of ffmpeg ${option}: if it has that, encode() or decode() does, see docs/from-ffmpeg.md)\n`;
}
