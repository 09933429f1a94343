/**
 * Attacks on graph files of unknown origin: every option of every filter, muxer and demuxer of this FFmpeg that holds text
 * gets the names of sockets that listen here, in many spellings; whatever is not refused is run. Nobody may come.
 *
 *   npm run fuzz:trust                                 all spellings, most of an hour
 *   npm run fuzz:trust -- --every 16 --from 3          a sixteenth of them: 0 to 15 are all
 *
 * The first door is the check of the file; the second one are FFmpeg's own lists, tried with options that the first door
 * would not have let pass.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { AudioFrame, ConfigError, Graph, Packet, VideoFrame } from 'millrace';
import { AVMEDIA_TYPE_AUDIO } from 'node-av/constants';
import { Filter } from 'node-av/lib';
import { demuxerOptions, filterTexts, muxerTexts } from '../../kit/ffmpeg-options.js';
import { Listener } from '../../kit/listener.js';

export interface Outcome {
  /** Graph files that were refused, and that were run. */
  refused: number;
  run: number;
  /** What somebody came for. */
  connected: string[];
}

/** How a value may be written in the arguments of a filter. */
const FILTER_SPELLINGS: readonly ((value: string) => string)[] = [
  (value) => value.replace(/[\\':]/g, '\\$&'),
  (value) => `'${value}'`,
  (value) => [...value].map((char) => `\\${char}`).join(''),
  (value) => ` ''${value.replace(':', "':'")}`,
];

const clip = fileURLToPath(new URL('../../fixtures/media/one-frame.mp4', import.meta.url));

function node(id: number, name: string, option: object, from?: number): object {
  return {
    id,
    alias: `n${id}`,
    module_info: { name },
    option,
    input_streams: from === undefined ? [] : [{ identifier: `s${from}` }],
    output_streams: name === 'c_ffmpeg_encoder' ? [] : [{ identifier: `s${id}` }],
  };
}

export const decoderFile = (option: object): object => ({ nodes: [node(0, 'c_ffmpeg_decoder', option)] });
export const encoderFile = (option: object): object => ({
  nodes: [node(0, 'c_ffmpeg_filter', { name: 'testsrc2', para: 's=32x32' }), node(1, 'c_ffmpeg_encoder', option, 0)],
});
export const filterFile = (option: object, isSource: boolean): object =>
  isSource
    ? { nodes: [node(1, 'c_ffmpeg_filter', option)] }
    : {
        nodes: [
          node(0, 'c_ffmpeg_filter', { name: 'testsrc2', para: 's=32x32' }),
          node(1, 'c_ffmpeg_filter', option, 0),
        ],
      };

export function picture(number: number): Packet {
  const frame = VideoFrame.alloc({ width: 32, height: 32, format: 'yuv420p' });
  frame.timeBase = { num: 1, den: 25 };
  frame.pts = BigInt(number);
  return new Packet(frame);
}

function sound(number: number): Packet {
  const channel = new Float32Array(1024);
  const frame = AudioFrame.from([channel], { sampleRate: 48_000, format: 'fltp' });
  frame.timeBase = { num: 1, den: 48_000 };
  frame.pts = BigInt(1024 * number);
  return new Packet(frame);
}

/** Calls a node of the graph as often as it takes to open everything; what fails has failed. */
export function call(graph: Graph, alias: string, packet: ((number: number) => Packet) | undefined): void {
  const module = graph.getModule(alias, { thread: 'inline' });
  const close = (packets: readonly Packet[]): void => {
    for (const packet of packets) packet.close();
  };
  try {
    for (let number = 0; number < 3; number++) {
      const { outputs } = packet ? module.process({ 0: [packet(number)] }) : module.process();
      for (const packets of Object.values(outputs)) close(packets as Packet[]);
    }
    for (const packets of Object.values(module.sendEof().outputs)) close(packets as Packet[]);
  } catch {
    // The attack was fended off by an error, or the option makes no sense: it counts who came.
  } finally {
    try {
      module.close();
    } catch {
      // As above.
    }
  }
}

/** The graph file as the first door would have it, but with these options behind it. */
export function behindTheFirstDoor(file: object, id: number, options: Record<string, unknown>): Graph {
  const graph = Graph.fromConfig(file);
  const { nodes } = (graph as unknown as { blueprint: { nodes: { id: number; options: object }[] } }).blueprint;
  nodes.find((node) => node.id === id)!.options = options;
  return graph;
}

class Attack {
  readonly outcome: Outcome = { refused: 0, run: 0, connected: [] };

  constructor(readonly listener: Listener) {}

  /** Gives the file to the first door, and runs it if it is let through. */
  file(what: string, file: object, alias: string, packet?: (number: number) => Packet): void {
    let graph: Graph;
    try {
      graph = Graph.fromConfig(file);
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      this.outcome.refused++;
      return;
    }
    this.run(what, graph, alias, packet);
  }

  run(what: string, graph: Graph, alias: string, packet?: (number: number) => Packet): void {
    const before = this.listener.visits;
    try {
      call(graph, alias, packet);
      this.outcome.run++;
    } catch (error) {
      // Behind the first door a schema refuses what is no text for FFmpeg.
      if (!(error instanceof ConfigError)) throw error;
      this.outcome.refused++;
    }
    if (this.listener.visits > before) this.outcome.connected.push(what);
  }
}

/** The first door: filters. */
function attackFilters(attack: Attack, { every, from }: Share): void {
  const urls = attack.listener.urls();
  let number = 0;
  for (const { of, option } of filterTexts()) {
    const filter = Filter.getByName(of)!;
    const isSource = filter.inputs.length === 0;
    const packet = isSource ? undefined : filter.inputs[0]?.type === AVMEDIA_TYPE_AUDIO ? sound : picture;
    for (const url of urls) {
      for (const spelling of FILTER_SPELLINGS) {
        if (number++ % every !== from) continue;
        const value = spelling(url);
        const para = number % 5 === 0 ? value : `${option}=${value}`;
        const graphText = `${of}=${para.replace(/[\\'[\],;]/g, '\\$&')}`;
        const options = number % 3 === 0 ? { graph: graphText } : { name: of, para };
        attack.file(`filter ${of}: ${para}`, filterFile(options, isSource), 'n1', packet);
      }
    }
  }
}

/** Both doors: muxers. */
function attackMuxers(attack: Attack, folder: string, { every, from }: Share): void {
  const urls = attack.listener.urls();
  let number = 0;
  const general = ['output_path', 'format'];
  const names = [...new Set(muxerTexts().map(({ of }) => of))];
  for (const { of, option } of [...muxerTexts(), ...names.flatMap((of) => general.map((option) => ({ of, option })))]) {
    for (const url of urls) {
      if (number++ % every !== from) continue;
      const own = general.includes(option) ? { [option]: url } : { mux_params: { [option]: url } };
      const path = join(folder, `out-%d.${of}`);
      const plain = { output_path: path, format: of };
      const options = { ...plain, ...own };
      attack.file(`muxer ${of}: ${option}=${url}`, encoderFile(options), 'n1', picture);
      // The path itself is opened with no context around it: the first door alone knows it.
      if (general.includes(option)) continue;
      let graph: Graph;
      try {
        graph = behindTheFirstDoor(encoderFile(plain), 1, options);
      } catch {
        continue; // The muxer itself is refused.
      }
      attack.run(`muxer ${of}, second door: ${option}=${url}`, graph, 'n1', picture);
    }
  }
}

/** Both doors: demuxers, paths and what files name. */
function attackDemuxers(attack: Attack, folder: string, { every, from }: Share): void {
  const urls = attack.listener.urls();
  let number = 0;
  const options = demuxerOptions();
  for (const { of, option } of options) {
    for (const url of urls) {
      if (number++ % every !== from) continue;
      const file = decoderFile({ input_path: clip, dec_params: { f: of, [option]: url } });
      attack.file(`demuxer ${of}: ${option}=${url}`, file, 'n0');
    }
  }
  const some = Math.max(1, Math.round(every / 40));
  for (const url of urls.filter((_, index) => index % some === from % some)) {
    attack.file(`path ${url}`, decoderFile({ input_path: url }), 'n0');
    for (const f of ['lavfi', 'image2', 'concat', 'hls', 'mpegts']) {
      attack.file(`path ${url} as ${f}`, decoderFile({ input_path: url, dec_params: { f } }), 'n0');
    }
    attack.file(`lavfi ${url}`, decoderFile({ input_path: `movie=${url}`, dec_params: { f: 'lavfi' } }), 'n0');
    const options = { input_path: url };
    attack.run(`path ${url}, second door`, behindTheFirstDoor(decoderFile({ input_path: clip }), 0, options), 'n0');
    for (const [name, text, f] of lists(url, attack.listener)) {
      const path = join(folder, name);
      writeFileSync(path, text);
      for (const params of [{}, { f }, { f, safe: 0 }, { f, protocol_whitelist: 'file,tcp,http,udp,rtp' }]) {
        const option = { input_path: path, dec_params: params };
        attack.file(`${name} with ${url} and ${JSON.stringify(params)}`, decoderFile(option), 'n0');
      }
      for (const filter of ['movie', 'subtitles', 'removelogo', 'find_rect']) {
        const option = filter === 'find_rect' ? 'object' : 'filename';
        const para = `${option}=${path.replace(/[\\':]/g, '\\$&')}`;
        const file = filterFile({ name: filter, para }, filter === 'movie');
        attack.file(`${filter} of ${name} with ${url}`, file, 'n1', filter === 'movie' ? undefined : picture);
      }
    }
  }
}

/** Files that name other things. */
function lists(url: string, { udp }: Listener): [name: string, text: string, format: string][] {
  return [
    ['list.m3u8', `#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n${url}\n#EXT-X-ENDLIST\n`, 'hls'],
    ['key.m3u8', `#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI="${url}"\n#EXTINF:1,\n${clip}\n#EXT-X-ENDLIST\n`, 'hls'],
    ['list.ffconcat', `ffconcat version 1.0\nfile '${url}'\noption protocol_whitelist tcp,http,file\n`, 'concat'],
    ['loose.ffconcat', `ffconcat version 1.0\nfile '${url}'\n`, 'concat'],
    ['list.sdp', `v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video ${udp} RTP/AVP 96\n`, 'sdp'],
    ['list.mpd', presentation(url), 'dash'],
  ];
}

function presentation(url: string): string {
  return `<?xml version="1.0"?>
<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" profiles="urn:mpeg:dash:profile:isoff-live:2011" type="static"
  mediaPresentationDuration="PT4S" minBufferTime="PT1S"><BaseURL>${url.replaceAll('&', '&amp;')}</BaseURL>
<Period id="0" start="PT0S"><AdaptationSet id="0" contentType="video">
<Representation id="0" mimeType="video/mp4" codecs="avc1.4d4028" bandwidth="100000" width="32" height="32">
<SegmentTemplate timescale="1" duration="2" initialization="i.mp4" media="$Number$.mp4" startNumber="1"/>
</Representation></AdaptationSet></Period></MPD>`;
}

/** Every so many of all spellings, and which one of so many. */
interface Share {
  readonly every: number;
  readonly from: number;
}

/** @param every Every so many spellings of the long form. @param from beginning with this one, below `every`. */
export async function attack(every: number, from = 0): Promise<Outcome> {
  const listener = await Listener.open();
  const folder = mkdtempSync(join(tmpdir(), 'millrace-trust-'));
  try {
    const attack = new Attack(listener);
    const share = { every, from };
    attackFilters(attack, share);
    attackMuxers(attack, folder, share);
    attackDemuxers(attack, folder, share);
    const counted = listener.visits;
    await listener.settle();
    if (listener.visits > counted) attack.outcome.connected.push('something, after it was over');
    return attack.outcome;
  } finally {
    rmSync(folder, { recursive: true, force: true });
    await listener.close();
  }
}

const { values } = parseArgs({
  options: { long: { type: 'boolean' }, every: { type: 'string' }, from: { type: 'string' } },
  strict: false,
});
if (values.long === true) {
  const { refused, run, connected } = await attack(Number(values.every ?? 1), Number(values.from ?? 0));
  console.log(`${refused} graph files refused, ${run} run, ${connected.length} connected`);
  for (const what of connected) console.log(`  ${what}`);
  process.exitCode = connected.length > 0 ? 1 : 0;
}
