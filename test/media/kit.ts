/** Frames from FFmpeg's own sources, and a journey through shared memory. */
import { Packr } from 'msgpackr';
import {
  AV_PICTURE_TYPE_B,
  AVCHROMA_LOC_TOPLEFT,
  AVCOL_PRI_BT2020,
  AVCOL_RANGE_JPEG,
  AVCOL_SPC_BT2020_NCL,
  AVCOL_TRC_SMPTE2084,
  AVERROR_EOF,
} from 'node-av/constants';
import {
  avGetPixFmtName,
  avIsHardwarePixelFormat,
  Filter,
  type FilterContext,
  FilterGraph,
  Frame,
  Rational,
} from 'node-av/lib';
import { check, VideoFrame } from '../../src/media/index.js';
import { describe, restore } from '../../src/media/wire/payload.js';

type Step = [name: string, args?: string];

/** The first `count` frames of a chain of filters that ends in a sink; they are the caller's to free. */
export function frames(chain: Step[], count: number, feed?: Frame): Frame[] {
  const graph = new FilterGraph();
  graph.alloc();
  try {
    graph.nbThreads = 1;
    const contexts = chain.map(([name, args], i) => create(graph, name, `f${i}`, args));
    contexts.reduce((from, to) => {
      check(from.link(0, to, 0), 'link');
      return to;
    });
    check(graph.configSync(), 'configure');
    if (feed) check(contexts[0]!.buffersrcAddFrameSync(feed), 'feed');
    const result: Frame[] = [];
    while (result.length < count) {
      const frame = new Frame();
      frame.alloc();
      const ret = contexts.at(-1)!.buffersinkGetFrameSync(frame);
      if (ret === AVERROR_EOF) break;
      check(ret, 'get a frame');
      result.push(frame);
    }
    return result;
  } finally {
    graph.free();
  }
}

function create(graph: FilterGraph, name: string, alias: string, args?: string): FilterContext {
  const filter = Filter.getByName(name);
  const context = filter && graph.createFilter(filter, alias, args ?? null);
  if (!context) throw new Error(`no filter ${name} with ${args}`);
  return context;
}

/** One picture of FFmpeg's test pattern; `size` is any 'WxH', also one the format's chroma does not divide. */
export function picture(format: string, size: string, index = 0): Frame {
  const scale = size.replace('x', ':');
  const chain: Step[] = [['testsrc2', 'rate=25'], ['scale', scale], ['format', `pix_fmts=${format}`], ['buffersink']];
  const all = frames(chain, index + 1);
  const last = all.pop()!;
  for (const frame of all) frame.free();
  return last;
}

const packr = new Packr({ useRecords: false, moreTypes: true, copyBuffers: true });

/** Takes a payload through shared memory as a copying transport does, and wipes the memory afterwards. */
export function travel<T>(payload: T): T {
  const { kind, meta, blobs } = describe(payload);
  const packed = meta === undefined ? undefined : Buffer.from(packr.pack(meta));
  const pad = (size: number) => (size + 7) & ~7;
  const shared = new Uint8Array(new SharedArrayBuffer(blobs.reduce((sum, blob) => sum + pad(blob.byteLength), 0)));
  let at = 0;
  const parts = blobs.map((blob) => {
    const view = shared.subarray(at, at + blob.byteLength);
    at += pad(blob.byteLength);
    blob.copyTo(view);
    return view;
  });
  const result = restore(kind, packed && packr.unpack(packed), parts);
  shared.fill(0xa5);
  return result as T;
}

/** All that can be seen of a picture but its pixels, its shape and its side data. */
export function properties(frame: VideoFrame): unknown {
  const { av } = frame;
  const { pts, duration, timeBase, frameRate, sampleAspectRatio, metadata } = frame;
  const { pktDts, colorRange, colorPrimaries, colorTrc, colorSpace, chromaLocation, flags, pictType } = av;
  const { quality, repeatPict, decodeErrorFlags, alphaMode } = av;
  const first = { pts, duration, timeBase, frameRate, sampleAspectRatio, metadata, pktDts, colorRange, colorPrimaries };
  const second = {
    colorTrc,
    colorSpace,
    chromaLocation,
    flags,
    pictType,
    quality,
    repeatPict,
    decodeErrorFlags,
    alphaMode,
  };
  return { ...first, ...second };
}

/** Gives a picture a value of its own, and none that is a default, for everything `properties` tells but metadata. */
export function markProperties(av: Frame, flags: Frame['flags']): void {
  av.pts = -(2n ** 40n) - 3n;
  av.pktDts = 77n;
  av.duration = 1001n;
  av.timeBase = new Rational(1, 30_000);
  av.sampleAspectRatio = new Rational(4, 3);
  av.colorRange = AVCOL_RANGE_JPEG;
  av.colorPrimaries = AVCOL_PRI_BT2020;
  av.colorTrc = AVCOL_TRC_SMPTE2084;
  av.colorSpace = AVCOL_SPC_BT2020_NCL;
  av.chromaLocation = AVCHROMA_LOC_TOPLEFT;
  av.flags = flags;
  av.pictType = AV_PICTURE_TYPE_B;
  av.quality = 9;
  av.repeatPict = 1;
  av.decodeErrorFlags = 2;
  av.alphaMode = 1 as typeof av.alphaMode;
}

/** Names of all pixel formats whose pictures have memory of their own: 10-bit, alpha and palettes among them. */
export function pixelFormats(): string[] {
  const names: string[] = [];
  for (let number = 0; number < 300; number++) {
    const name = avGetPixFmtName(number as Parameters<typeof avGetPixFmtName>[0]);
    if (name === null || avIsHardwarePixelFormat(number as Parameters<typeof avIsHardwarePixelFormat>[0])) continue;
    names.push(name);
  }
  if (names.length <= 150) throw new Error(`FFmpeg tells no more than ${names.length} formats`);
  return names;
}

/** The pools of other sizes take the places of all that there are (known.ts: four are kept). */
export function takeAllPools(): void {
  for (const width of [2, 4, 6, 8]) VideoFrame.alloc({ width, height: 2, format: 'gray' }).close();
}
