/** What is wrong with a call is said where it is made. */
import { AudioFrame, concat, Graph, registerModule, syncModule } from 'millrace';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { thrown } from '../../kit/rejection.js';

const clear = suite('wrong calls');

function refuses(work: () => unknown, message: RegExp, code = 'ERR_MILLRACE_CONFIG'): void {
  const error = thrown(work);
  assert.is(error.code, code, error.message);
  assert.match(error.message, message);
}

const graph = new Graph({ threads: 0 });
const decoder = graph.decode({ input_path: 'in.mp4' });
const named = (stream: object, name: string): unknown => (stream as Record<string, unknown>)[name];

clear('a name that a stream does not have', async () => {
  refuses(
    () => named(decoder, 'wrong_name'),
    /c_ffmpeg_decoder_0_0 has no 'wrong_name'\. A node's outputs are \.video/,
  );
  refuses(() => named(decoder, 'vidoe'), /has no 'vidoe'\. Did you mean 'video'\?/);
  refuses(() => named(decoder.video, 'scal'), /has no 'scal'\. Did you mean 'scale'\?/);
  refuses(() => named(decoder.audio, 'boxblur'), /has no 'boxblur'\. The filter is added by \.filter\('boxblur', …\)/);
  refuses(() => named(graph.inputStream('in'), 'pushed'), /the stream in has no 'pushed'/);
  // What others ask of any object is not there.
  assert.is(await decoder, decoder);
  for (const name of ['then', 'toJSON', 'asymmetricMatch', '$$typeof']) assert.is(named(decoder, name), undefined);
  assert.not.ok('wrong_name' in decoder);
});

clear('streams that do not make a concat', () => {
  const { video, audio } = decoder;
  refuses(() => concat(video as never, audio as never), /concat: the streams are a Stream\. Give one list/);
  refuses(() => concat([video, 5 as never]), /concat: the list holds 5/);
  refuses(() => concat([video], audio as never), /concat: the named arguments are a Stream/);
  refuses(() => concat(null as never), /concat: the streams are null/);
  refuses(() => video.concat(undefined as never), /concat: the list holds undefined/);
});

clear('samples that are not in a list of channels', () => {
  const samples = new Float32Array(8);
  refuses(
    () => AudioFrame.from(samples as never, { sampleRate: 8000 }),
    /channels cannot be a Float32Array\. Give a list with one array per channel/,
    'ERR_MILLRACE_PAYLOAD',
  );
});

clear('a module without process', () => {
  class Idle {}
  refuses(() => graph.module({} as never), /the module has no method process\(task\)/);
  refuses(() => graph.module(Idle as never), /the function Idle has no method process\(task\)/);
  refuses(() => registerModule('idle', {} as never), /'idle': the module has no method process/);
  refuses(() => syncModule(Idle as never, {} as never), /Idle has no method process/);
});

clear.run();
