// User code per frame in one loop over node-av, all on the main thread.
// Usage: node node-av.mjs RESULT INPUT OUTPUT|- corner|picture
import { writeFileSync } from 'node:fs';
import { Decoder, Demuxer } from 'node-av/api';
import {
  AV_CODEC_FLAG_FRAME_DURATION,
  AV_CODEC_FLAG_GLOBAL_HEADER,
  AV_LOG_ERROR,
  AV_OPT_SEARCH_CHILDREN,
  AV_OPT_TYPE_STRING,
  AV_PICTURE_TYPE_NONE,
  AVIO_FLAG_WRITE,
} from 'node-av/constants';
import { Codec, CodecContext, FFmpegError, FormatContext, IOContext, Log, Packet } from 'node-av/lib';
import { touch } from './luma.mjs';

const [result, input, output, mean] = process.argv.slice(2);
Log.setLevel(AV_LOG_ERROR);
const demuxer = await Demuxer.open(input);
const source = demuxer.video();
const decoder = await Decoder.create(source);

let frames = 0;
let sum = 0;
function* touched() {
  for (const frame of decoder.framesSync(demuxer.packetsSync(source.index))) {
    if (frame === null) continue;
    frame.makeWritable();
    sum += touch(mean, frame.data[0], frame.linesize[0], frame.width, frame.height);
    frames++;
    yield frame;
    frame.free();
  }
}

/** The low-level interface: Encoder.create of node-av hands its options over in a way that ends in a crash at exit. */
function encode(path) {
  const codec = Codec.findEncoderByName('libx264');
  const encoder = new CodecContext();
  encoder.allocContext3(codec);
  encoder.width = source.codecpar.width;
  encoder.height = source.codecpar.height;
  encoder.pixelFormat = source.codecpar.format;
  encoder.timeBase = source.timeBase;
  encoder.framerate = source.avgFrameRate;
  encoder.setFlags(AV_CODEC_FLAG_GLOBAL_HEADER, AV_CODEC_FLAG_FRAME_DURATION);
  const options = { preset: 'veryfast', crf: '23', threads: 'auto' };
  for (const [name, value] of Object.entries(options)) {
    check(encoder.setOption(name, value, AV_OPT_TYPE_STRING, AV_OPT_SEARCH_CHILDREN));
  }
  check(encoder.open2Sync(codec, null));

  const muxer = new FormatContext();
  check(muxer.allocOutputContext2(null, 'mp4', path));
  const stream = muxer.newStream(null);
  check(stream.codecpar.fromContext(encoder));
  stream.timeBase = encoder.timeBase;
  const file = new IOContext();
  check(file.open2Sync(path, AVIO_FLAG_WRITE));
  muxer.pb = file;
  check(muxer.writeHeaderSync(null));

  const packet = new Packet();
  packet.alloc();
  const send = (frame) => {
    check(encoder.sendFrameSync(frame));
    while (encoder.receivePacketSync(packet) >= 0) {
      packet.streamIndex = 0;
      packet.rescaleTs(encoder.timeBase, stream.timeBase);
      check(muxer.interleavedWriteFrameSync(packet));
    }
  };
  for (const frame of touched()) {
    frame.pictType = AV_PICTURE_TYPE_NONE; // the decoder's choice would bind the encoder
    send(frame);
  }
  send(null);
  check(muxer.writeTrailerSync());
  muxer.pb = null;
  file.closepSync();
  packet.free();
  muxer.freeContext();
  encoder.freeContext();
}

function check(code) {
  FFmpegError.throwIfError(code);
}

if (output === '-') for (const _frame of touched());
else encode(output);
decoder.close();
await demuxer.close();
writeFileSync(result, JSON.stringify({ frames, sum }));
