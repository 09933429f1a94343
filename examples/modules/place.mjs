// A place of the mixer (../mixer.mjs) in which live inputs come and go: what it shows at a moment, black and silence included.
import { AudioFrame, Graph, Packet, VideoFrame } from 'millrace';

export const [WIDTH, HEIGHT, RATE, SAMPLE_RATE] = [320, 180, 25, 48_000];
const SAMPLES = SAMPLE_RATE / RATE;
const COLOUR = { colorSpace: 'bt709', colorRange: 'tv' };
const SOUND = { sample_fmts: 'fltp', channel_layouts: 'stereo' };
const dark = VideoFrame.from(new Uint8Array(WIDTH * HEIGHT * 3), { width: WIDTH, height: HEIGHT, format: 'rgb24' });
const black = dark.reformat({ format: 'yuv420p', ...COLOUR });
dark.close();

export class Place {
  sounds = [];

  constructor(mix, name) {
    this.video = mix.inputStream(`${name} picture`);
    this.audio = mix.inputStream(`${name} sound`);
  }

  /** Shows an input until it ends or fails. It has a graph of its own, so that the mix goes on; then another one may come. */
  async show(input_path) {
    const { video, audio } = new Graph({ threads: 1 }).decode({ input_path, realtime: true });
    const pictures = video.scale(WIDTH, HEIGHT).filter('format', 'yuv420p').packets().closing();
    const sounds = audio.aresample(SAMPLE_RATE).filter('aformat', SOUND).filter('asetnsamples', SAMPLES).packets();
    const look = async () => {
      for await (const { payload } of pictures) this.change(payload.reformat(COLOUR));
    };
    const listen = async () => {
      // More than a second that waits is too late.
      for await (const { payload } of sounds) if (this.sounds.push(payload) > RATE) this.sounds.shift().close();
    };
    await Promise.all([look(), listen()]).catch(({ message }) => console.log(message));
    this.change(undefined);
  }

  change(picture) {
    this.picture?.close();
    this.picture = picture;
  }

  /** What is to be seen and heard at that tick goes into the mix. */
  async tick(n) {
    const picture = (this.picture ?? black).clone();
    const silence = () => AudioFrame.from(Array(2).fill(new Float32Array(SAMPLES)), { sampleRate: SAMPLE_RATE });
    const sound = this.sounds.shift() ?? silence();
    Object.assign(picture, { pts: BigInt(n), duration: 1n, timeBase: { num: 1, den: RATE } });
    Object.assign(sound, { pts: BigInt(n * SAMPLES), timeBase: { num: 1, den: SAMPLE_RATE } });
    picture.frameRate = { num: RATE, den: 1 };
    await Promise.all([this.video.push(new Packet(picture)), this.audio.push(new Packet(sound))]);
  }
}
