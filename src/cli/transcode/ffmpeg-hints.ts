/** What stands here for the options of the ffmpeg command, for those who type them out of habit. */

const HERE: Readonly<Record<string, string>> = {
  '-i': 'inputs are named without it, and the output comes last: millrace transcode in.mp4 out.mp4',
  '-y': 'not needed, as an output that exists is overwritten',
  '-c': '--vcodec and --acodec, or --copy',
  '-c:v': '--vcodec',
  '-vcodec': '--vcodec',
  '-c:a': '--acodec',
  '-acodec': '--acodec',
  '-b:v': '--bitrate',
  '-pass': '--two-pass',
  '-fs': '--to-size',
  '-filter_complex': '--filter-complex',
  '-filter:v': '--vf',
  '-filter:a': '--af',
  '-f': '--format',
  '-s': '--scale',
  '-vn': '--no-video',
  '-an': '--no-audio',
  '-ss': '--start',
  '-to': '--end',
  '-t': '--end, a time and not a duration',
  '-r': '--vf fps=25',
  '-ac': '--af aformat=channel_layouts=mono',
  '-ar': '--af aresample=48000',
  '-loglevel': '--quiet',
  '-map': '--map',
  '-vf': '--vf',
  '-af': '--af',
  '-preset': '--preset',
  '-crf': '--crf',
  '-threads': '--threads, of the graph',
  '-metadata': '--metadata title=Film',
  '-metadata:s': '--metadata s:a:0:language=deu',
};

/**
 * @param message Of commander, about an unknown option.
 * @returns a line to be added to it; '' unless the option is written as ffmpeg has its own.
 */
export function ffmpegHint(message: string): string {
  const option = /unknown option '(-[a-z_]+(?::[vas])?)/.exec(message)?.[1];
  if (option === undefined) return '';
  // A letter alone may be a slip.
  const elsewhere =
    option.length > 2 ? 'if it has that, encode() or decode() does, see docs/from-ffmpeg.md' : undefined;
  const here = HERE[option] ?? elsewhere;
  return here === undefined ? '' : `(of ffmpeg ${option}: ${here})\n`;
}
