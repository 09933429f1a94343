/** The arguments of the `millrace` command. Exit codes: 0 done, 1 failed, 2 bad usage or a graph that is wrong, 130 interrupted. */
import { Argument, Command, CommanderError, Option } from 'commander';
import { description, version } from '../../../package.json';
import { startLog } from '../../media/log/start.js';
import type { List } from '../about/list.js';
import type { BenchFlags, Benchmark } from '../bench.js';
import { tellError, USAGE } from '../errors.js';
import type { GraphFlags } from '../graph.js';
import type { PacketFlags } from '../inspect/packets.js';
import type { RunFlags } from '../run.js';
import { ffmpegHint } from '../transcode/ffmpeg-hints.js';
import type { TranscodeFlags } from '../transcode/flags.js';
import { defineVerbs } from '../verbs/define.js';
import { endPoint, positive, segment, size, startPoint, streamIndex, threads } from './arguments.js';
import { likelyThreadsOf, threadsToTranscode, withThreads } from './prestart.js';

const commands = () => import('../commands.js');

function program(): Command {
  // Subcommands inherit these settings, so they come first.
  const millrace = new Command('millrace')
    .exitOverride()
    .configureOutput({
      outputError: (text, write) => write(text.replace(/^error: /, 'millrace: ') + hintFor(millrace, text)),
    })
    .showSuggestionAfterError()
    .helpCommand(false)
    .description(description)
    .version(version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .addHelpText('after', '\nExit codes: 0 done, 1 failed, 2 bad usage or a wrong graph, 130 interrupted.');

  // The commands are imported when one is called: help and refused arguments need no FFmpeg. Its log is what the first call into
  // it waits for, so that the thread which hears it is started before anything is imported: mostly in index.ts already.
  millrace
    .command('transcode')
    .summary('decode, filter and encode files')
    .description(
      'Decodes files or URLs and encodes what is in them anew into one output. An output that exists is overwritten.',
    )
    .usage('[options] <input...> <output>')
    .argument(
      '<input...>',
      'files or URLs, - for the standard input; then the output, whose name decides the container',
    )
    .option('--format <name>', 'container of the output, e.g. matroska; needed for -, the standard output')
    .option(
      '--map <spec>',
      'streams of the output: 0, 1:a:0, 0:s?, 0:m:language:deu, -0:d, [label] (repeatable)',
      collect,
    )
    .option('--copy', 'copy all streams: --vcodec copy --acodec copy')
    .option('--scale <WxH>', 'picture size in pixels; -2 for one side keeps the aspect (-2x360)', size)
    .option('--vf <filters>', "filters of the pictures, in FFmpeg's syntax: hflip,crop=ih:ih")
    .option('--af <filters>', 'filters of the sound: loudnorm,volume=0.8')
    .option('--filter-complex <graph>', 'a filtergraph between inputs and output: [0:v][1:v]overlay=10:10')
    .option('--vcodec <name>', 'video encoder, or copy (default: h264, or what the container is made for)')
    .option('--preset <name>', 'preset of the video encoder, e.g. veryfast')
    .option('--crf <n>', 'constant quality of the video encoder, e.g. 23')
    .option('--bitrate <rate>', 'video bit rate, e.g. 800k or 2M')
    .option('--two-pass', 'encode the video twice: --bitrate is reached, and spent where it is needed')
    .option('--to-size <bytes>', 'find the bit rate for a file of at most that size, e.g. 8M; two passes if possible')
    .option('--acodec <name>', 'audio encoder, or copy (default: aac, or what the container is made for)')
    .option(
      '--subtitles <file>',
      "put a file's subtitles into the output: film.srt, film.srt:deu (repeatable)",
      collect,
    )
    .option('--burn-subtitles <file>', 'draw them into the video: film.srt, film.mkv:deu (repeatable)', collect)
    .option('--metadata <key=value>', 'a tag of the output, or of a stream: s:a:0:language=deu (repeatable)', collect)
    .option('--hls [seconds]', 'write an HLS playlist (*.m3u8) with segments of so many seconds (default: 6)', segment)
    .option('--no-video', 'leave the video out')
    .option('--no-audio', 'leave the audio out')
    .option('--start <time>', 'begin there: seconds or [h:]m:s', startPoint)
    .option('--end <time>', 'end there, on the clock of the input', endPoint)
    .option(
      '--threads <n>',
      "threads for the graph's nodes: a number or auto (default: auto; 0, the main thread alone, for a very short input)",
      threads,
    )
    .option('--trace <file>', 'write a trace of the run, to be opened in https://ui.perfetto.dev')
    .option('--json', 'print the report as one line of JSON')
    .option('--quiet', 'print nothing but errors')
    .action(async (files: string[], flags: TranscodeFlags, command: Command) => {
      if (files.length < 2) command.error("error: missing required argument 'output'");
      const [inputs, output] = [files.slice(0, -1), files.at(-1)!];
      startLog();
      const run = async () => (await commands()).transcode(inputs, output, flags);
      await exitWith(withThreads(threadsToTranscode(inputs, flags.threads), run));
    });

  defineVerbs(millrace, async (work) => {
    startLog();
    await exitWith(work());
  });

  millrace
    .command('run')
    .summary('run a graph file')
    .description('Runs a graph from a file in the form of BMF (docs/graph-files.md).')
    .argument('<graph.json>')
    .option('--allow-modules', 'let the file load module files: that is running their code')
    .option('--allow-protocol <name>', 'let the file open URLs of this protocol (repeatable; * for any)', collect)
    .option('--trace <file>', 'write a trace of the run, to be opened in https://ui.perfetto.dev')
    .option('--json', 'print the report as one line of JSON')
    .option('--quiet', 'print nothing but errors')
    .action(async (file: string, flags: RunFlags) => {
      startLog();
      await exitWith(withThreads(likelyThreadsOf(file), async () => (await commands()).run(file, flags)));
    });

  millrace
    .command('inspect')
    .summary('show the streams of a file')
    .description('Shows what a media file holds.')
    .argument('<file>', 'file or URL, - for the standard input')
    .option('--packets', 'list the packets: stream, pts, dts, duration (seconds), size (bytes), key')
    .option('--keyframes', 'list the key frames of the video')
    .option('--frames', 'decode and list the frames: stream, pts, duration (seconds), size, format, type, key')
    .option('--stream <n>', 'with these: of this stream alone', streamIndex)
    .option('--json', 'print JSON; of packets one line each')
    .action(async (file: string, flags: PacketFlags) => {
      startLog();
      await exitWith((await commands()).inspect(file, flags));
    });

  millrace
    .command('graph')
    .summary('draw a graph file')
    .description(
      'Prints the graph of a file, or where its nodes would run and why, after checking it. Nothing is run or opened.',
    )
    .argument('<graph.json>')
    .addOption(
      new Option('--format <format>', 'how')
        .choices(['mermaid', 'dot', 'json', 'placement', 'ffmpeg'])
        .default('mermaid'),
    )
    .option(
      '--allow-modules',
      'load files that stand for sub-graphs, to show what is in them: that is running their code',
    )
    .action(async (file: string, flags: GraphFlags) => exitWith((await commands()).graph(file, flags)));

  millrace
    .command('modules')
    .summary('list the built-in modules')
    .description('Lists the modules a graph can use by name.')
    .option('--json', 'print JSON')
    .action(async (flags: { json?: boolean }) => exitWith((await commands()).modules(flags)));

  millrace
    .command('list')
    .summary('list what the FFmpeg inside has, and the devices of this machine')
    .description('Lists what the FFmpeg inside has; with a name everything about it, options included.')
    .addArgument(
      new Argument('<what>', 'what').choices(['filters', 'codecs', 'formats', 'protocols', 'pixel-formats', 'devices']),
    )
    .argument('[name]', 'of a filter, codec, encoder, decoder, format, protocol or pixel format')
    .option('--json', 'print JSON')
    .action(async (what: List, name: string | undefined, flags: { json?: boolean }) => {
      startLog();
      await exitWith((await commands()).list(what, name, flags));
    });

  millrace
    .command('init-module')
    .summary('write a module in TypeScript to begin with, and its test')
    .description(
      'Writes a folder with a module in TypeScript: options that are checked, a test, what it takes to build it.',
    )
    .argument('<name>', 'such as add-grain')
    .option('--folder <path>', 'where (default: a folder of that name)')
    .action(async (name: string, { folder }: { folder?: string }) => {
      await exitWith((await commands()).initModule(name, folder));
    });

  millrace
    .command('schema')
    .summary('print the JSON Schema of graph files')
    .description('Prints the JSON Schema of graph files, for editors and checks; in a file "$schema" may name it.')
    .action(async () => exitWith((await commands()).schema()));

  millrace
    .command('env')
    .summary('tell what a bug report needs to say of this machine')
    .description('Prints versions, how FFmpeg was built, the devices, and whether frames go from thread to thread.')
    .option('--json', 'print JSON')
    .action(async (flags: { json?: boolean }) => {
      startLog();
      await exitWith((await commands()).environment(flags));
    });

  millrace
    .command('bench')
    .summary('measure rings, frame hand-over and transcoding on this machine')
    .description('Measures on this machine. Compare the ratios of one run; other load on the machine spoils them.')
    .addArgument(new Argument('[what...]', 'what to measure; all if absent').choices(['ring', 'hop', 'transcode']))
    .option('--rounds <n>', 'runs of every case, of which the median counts', positive, 3)
    .option('--seconds <n>', 'length of the clip to transcode', positive, 10)
    .option('--quick', 'as little as shows that it works; the figures say nothing')
    .option('--json', 'print JSON')
    .action(async (what: Benchmark[], flags: BenchFlags) => exitWith((await import('../bench.js')).bench(what, flags)));

  return millrace;
}

/** ffmpeg is what `transcode` is taken for, and `millrace` without a command. */
function hintFor(millrace: Command, message: string): string {
  const [name = '-'] = process.argv.slice(2);
  if (name !== 'transcode' && !name.startsWith('-')) return '';
  const transcode = millrace.commands.find((command) => command.name() === 'transcode');
  return ffmpegHint(message, transcode?.options.flatMap(({ long }) => long ?? []) ?? []);
}

function collect(value: string, before: readonly string[] = []): string[] {
  return [...before, value];
}

/** The process ends by itself when nothing is left to do, so that everything printed arrives. */
async function exitWith(result: number | Promise<number>): Promise<void> {
  process.exitCode = await result;
}

/** Runs the command that the arguments of the process name, and sets its exit code. */
export async function main(): Promise<void> {
  // `millrace … | head` closes the pipe early; that is no failure of ours.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
  try {
    await program().parseAsync();
  } catch (error) {
    if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : USAGE;
    else process.exitCode = tellError(error);
  }
}
