import {
  AV_CODEC_ID_AAC,
  AV_CODEC_ID_H264,
  AV_PIX_FMT_YUV420P,
  AV_PKT_DATA_DISPLAYMATRIX,
  AV_SAMPLE_FMT_FLTP,
  AVCOL_SPC_BT709,
  AVMEDIA_TYPE_AUDIO,
  AVMEDIA_TYPE_VIDEO,
} from 'node-av/constants';
import { CodecParameters, Rational } from 'node-av/lib';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { StreamInfo, type StreamInfoData } from '../../../src/media/index.js';

const test = suite('stream info');

function video(): CodecParameters {
  const par = new CodecParameters();
  par.alloc();
  par.codecType = AVMEDIA_TYPE_VIDEO;
  par.codecId = AV_CODEC_ID_H264;
  par.codecTag = 'avc1';
  par.format = AV_PIX_FMT_YUV420P;
  par.bitRate = 800_000n;
  par.width = 1280;
  par.height = 720;
  par.profile = 100 as typeof par.profile;
  par.level = 31;
  par.videoDelay = 2;
  par.colorSpace = AVCOL_SPC_BT709;
  par.sampleAspectRatio = new Rational(4, 3);
  par.frameRate = new Rational(30000, 1001);
  par.extradata = Buffer.from([1, 2, 3, 250]);
  par.addCodedSideData(AV_PKT_DATA_DISPLAYMATRIX, Buffer.alloc(36, 7));
  return par;
}

const stream = {
  timeBase: { num: 1, den: 90000 },
  frameRate: { num: 30000, den: 1001 },
  disposition: 1,
  metadata: { language: 'eng' },
};

const throughJson = (info: StreamInfo) => StreamInfo.fromJSON(JSON.parse(JSON.stringify(info)) as StreamInfoData);

test('video parameters survive JSON and become the same codec parameters', () => {
  const par = video();
  const info = throughJson(StreamInfo.fromCodecParameters(par, stream));
  assert.equal([info.kind, info.codec, info.format], ['video', 'h264', 'yuv420p']);
  assert.equal([info.width, info.height, info.bitRate, info.disposition], [1280, 720, 800_000, 1]);
  assert.equal(info.timeBase, { num: 1, den: 90000 });
  assert.equal(info.frameRate, { num: 30000, den: 1001 });
  assert.equal(info.sampleAspectRatio, { num: 4, den: 3 });
  assert.equal([...info.extradata], [1, 2, 3, 250]);
  assert.equal(info.metadata, { language: 'eng' });
  const copy = info.toCodecParameters();
  assert.equal(copy.toJSON(), par.toJSON());
  assert.equal(copy.getCodedSideData(AV_PKT_DATA_DISPLAYMATRIX), Buffer.alloc(36, 7));
  assert.is(copy.videoDelay, 2);
  assert.is(copy.colorSpace, AVCOL_SPC_BT709);
  copy.free();
  par.free();
});

for (const layout of ['stereo', '5.1(side)', '2 channels (FR+FL)', '3 channels']) {
  test(`audio parameters keep the layout ${layout}`, () => {
    const blank = StreamInfo.fromCodecParameters(audio(), stream).toJSON();
    const channels = layout === '3 channels' ? 3 : layout === '5.1(side)' ? 6 : 2;
    const info = StreamInfo.fromJSON({ ...blank, channels, channelLayout: layout });
    const par = info.toCodecParameters();
    const again = throughJson(StreamInfo.fromCodecParameters(par, stream));
    assert.equal([again.channelLayout, again.channels, again.sampleRate], [layout, channels, 44100]);
    assert.equal([again.kind, again.codec, again.format], ['audio', 'aac', 'fltp']);
    assert.is(par.frameSize, 1024);
    assert.is(par.initialPadding, 1024);
    par.free();
  });
}

function audio(): CodecParameters {
  const par = new CodecParameters();
  par.alloc();
  par.codecType = AVMEDIA_TYPE_AUDIO;
  par.codecId = AV_CODEC_ID_AAC;
  par.format = AV_SAMPLE_FMT_FLTP;
  par.sampleRate = 44100;
  par.frameSize = 1024;
  par.initialPadding = 1024;
  return par;
}

test('it does not depend on the parameters it was read from', () => {
  const par = video();
  const info = StreamInfo.fromCodecParameters(par, stream);
  par.free();
  assert.is(info.width, 1280);
  const json = info.toJSON();
  json.width = 1;
  assert.is(info.width, 1280);
});

test.run();
