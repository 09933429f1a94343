/** Arguments of the short commands: thumbnail, sprite, gif, trim, concat, extract-audio, waveform. */
import { type Command, Option } from 'commander';
import { endPoint, number, positive, startPoint, threads, timeList } from '../program/arguments.js';
import type { VerbFlags } from './verbs.js';

type Act = (work: () => Promise<number>) => Promise<void>;

/** @param act Runs what a command does, with FFmpeg's log. */
export function defineVerbs(millrace: Command, act: Act): void {
  const verb = (
    name: string,
    summary: string,
    ...paths: readonly (readonly [name: string, what: string])[]
  ): Command => {
    const command = millrace
      .command(name)
      .summary(summary)
      .description(`${summary[0]!.toUpperCase()}${summary.slice(1)}.`);
    for (const [path, what] of paths) command.argument(path, what);
    return command;
  };
  const input = ['<input>', 'file or URL, - for the standard input'] as const;

  const pictures = (command: Command): Command =>
    command
      .option('--every <seconds>', 'a picture every so many seconds', number)
      .option('--count <n>', 'so many pictures, spread evenly', positive)
      .option('--width <pixels>', 'width of a picture', positive)
      .option('--height <pixels>', 'height of a picture', positive)
      .option('--quality <n>', '1 to 100, of JPEG and WebP (default: 85)', positive);
  const range = (command: Command): Command =>
    command
      .option('--start <time>', 'begin there: seconds or [h:]m:s', startPoint)
      .option('--end <time>', 'end there, on the clock of the input', endPoint);
  const encoding = (command: Command): Command =>
    command
      .option('--vcodec <name>', 'video encoder (default: h264, or what the container is made for)')
      .option('--preset <name>', 'preset of the video encoder, e.g. veryfast')
      .option('--crf <n>', 'constant quality of the video encoder, e.g. 23')
      .option('--bitrate <rate>', 'video bit rate, e.g. 800k or 2M')
      .option('--acodec <name>', 'audio encoder (default: aac, or what the container is made for)');
  const finish = (
    command: Command,
    run: (paths: string[], flags: VerbFlags, verbs: typeof import('../commands.js')) => Promise<number>,
  ): void => {
    command
      .option('--threads <n>', "threads for the graph's nodes: a number or auto (default: auto)", threads)
      .option('--json', 'print the result as one line of JSON')
      .option('--quiet', 'print nothing but errors')
      .action((...args: unknown[]) => {
        const paths = args.slice(0, -2).flat() as string[];
        return act(async () => run(paths, args.at(-2) as VerbFlags, await import('../commands.js')));
      });
  };

  finish(
    pictures(
      verb('thumbnail', 'write pictures of a video', input, [
        '<output>',
        '*.jpg, *.png or *.webp; %d or %03d in it is the number of the picture; - for the standard output',
      ]),
    ).option('--at <time,...>', 'at these times: seconds or [h:]m:s', timeList),
    ([from, to], flags, { thumbnail }) => thumbnail(from!, to!, flags),
  );
  finish(
    pictures(
      verb('sprite', 'write sheets of small pictures of a video, and a WebVTT file for players', input, [
        '<output>',
        'such as sprite-%d.jpg; the WebVTT file is called alike',
      ]),
    )
      .option('--columns <n>', 'pictures side by side (default: 10)', positive)
      .option('--rows <n>', 'pictures one below the other (default: 10)', positive)
      .option('--vtt <file>', 'name of the WebVTT file')
      .option('--url <url>', 'what it calls the sheets, with %d for their number'),
    ([from, to], flags, verbs) => verbs.sprite(from!, to!, flags),
  );
  finish(
    range(
      verb('gif', 'write a part of a video as an animated GIF', input, [
        '<output>',
        '*.gif, - for the standard output',
      ]),
    )
      .option('--width <pixels>', 'width (default: 480, or that of smaller pictures)', positive)
      .option('--height <pixels>', 'height', positive)
      .option('--fps <n>', 'pictures per second (default: 12)', number)
      .option('--plays <n>', 'how often it is played; 0: for ever (default: 0)', number)
      .option('--colors <n>', '2 to 256 (default: 256)', positive)
      .option('--dither <name>', 'none, bayer, sierra2_4a, floyd_steinberg, … (default: sierra2_4a)')
      .addOption(new Option('--palette <which>', 'one of the whole clip, or one per frame').choices(['clip', 'frame'])),
    ([from, to], flags, verbs) => verbs.gif(from!, to!, flags),
  );
  finish(
    encoding(range(verb('trim', 'write a part of a file', input, ['<output>', 'file or URL']))).option(
      '--copy',
      'copy the streams, from the key frame before the start on',
    ),
    ([from, to], flags, verbs) => verbs.trim(from!, to!, flags),
  );
  finish(
    encoding(
      millrace
        .command('concat')
        .summary('join files one after another')
        .description('Encodes files one after another into one. The first decides the size of the pictures.')
        .usage('[options] <input...> <output>')
        .argument('<input...>', 'files or URLs; then the output'),
    )
      .option('--width <pixels>', 'width of the pictures', positive)
      .option('--height <pixels>', 'height of the pictures', positive),
    (paths, flags, verbs) => verbs.concat(paths, flags),
  );
  finish(
    range(verb('extract-audio', 'write the sound of a file', input, ['<output>', '*.m4a, *.mp3, *.wav, …']))
      .option('--track <which>', 'number of the track from 0 on, or its language')
      .option('--acodec <name>', 'audio encoder, or copy (default: copied where the format is made for its codec)')
      .option('--bitrate <rate>', 'bit rate, e.g. 128k'),
    ([from, to], flags, verbs) => verbs.extractAudio(from!, to!, flags),
  );
  finish(
    verb('waveform', 'draw how loud a sound is along its length, or write it as numbers', input, [
      '<output...>',
      '*.png, *.json (peaks, as audiowaveform and peaks.js have them), or both',
    ])
      .option('--points <n>', 'so many points in all (default: the width)', positive)
      .option('--samples-per-point <n>', 'in place of it: samples of a point, e.g. 512', positive)
      .addOption(new Option('--channels <how>', 'one line, or one for each channel').choices(['mix', 'split']))
      .addOption(new Option('--bits <n>', 'of the numbers (default: 8)').choices(['8', '16']))
      .option('--width <pixels>', 'width of the picture (default: 1800)', positive)
      .option('--height <pixels>', 'height of the picture (default: 280)', positive)
      .option('--color <#rrggbb>', 'its color (default: #2f6fdf)')
      .option('--background <#rrggbb>', 'what is behind it (default: nothing)'),
    ([from, ...to], flags, verbs) => verbs.waveform(from!, to, flags),
  );
}
