/** Decoding on a device: what a machine without one is told, and that pictures are the same wherever they are decoded. */
import { type DecoderOptions, Graph } from 'millrace';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { assertSame, failureOf, media, type Picture, pictures, run, sinkOn } from '../../kit/media.js';
import { testUnless } from '../../kit/skip.js';

const test = suite('hardware decoding');

const CLIP: DecoderOptions = { input_path: media('clip-4s.mp4'), vframes: 4 };

async function decoded(options: DecoderOptions): Promise<{ pictures: Picture[]; warnings: string[] }> {
  const graph = new Graph({ threads: 0 });
  // Devices give nv12, which is the same in another order.
  const sink = sinkOn(graph.decode({ ...CLIP, ...options }).video.format('yuv420p'));
  const { warnings } = await run(graph);
  return { pictures: pictures(sink.packets), warnings };
}

const expected = (await decoded({})).pictures;

test("'auto' decodes the same pictures, on a device or, with a warning, on the processor", async () => {
  const { pictures, warnings } = await decoded({ hwaccel: 'auto' });
  assertSame(pictures, expected);
  assert.ok(warnings.length <= 1, warnings.join('\n'));
  for (const text of warnings) assert.match(text, /decoded on the processor/);
});

test("'none' is as without the option", async () => {
  const { pictures, warnings } = await decoded({ hwaccel: 'none' });
  assertSame(pictures, expected);
  assert.equal(warnings, []);
});

const MISSING = { hwaccel: 'vaapi', hwaccel_device: '/no/such/device' } as const;
const other = process.platform === 'linux' ? undefined : 'vaapi is of Linux';

testUnless(test, other, 'a device that is not there is an error that says what the machine lacks', async () => {
  const graph = new Graph({ threads: 0 });
  sinkOn(graph.decode({ ...CLIP, ...MISSING }).video);
  const { code, message } = await failureOf(graph);
  assert.is(code, 'ERR_MILLRACE_OPTION');
  assert.match(message, /hwaccel: no device '\/no\/such\/device' of 'vaapi' can be opened on this machine/);
  assert.match(message, /It needs a VA-API driver/);
});

testUnless(
  test,
  other,
  "BMF's hwaccel_check decodes on the processor what the device cannot, with a warning",
  async () => {
    const { pictures, warnings } = await decoded({ video_params: { ...MISSING, hwaccel_check: 1 } });
    assertSame(pictures, expected);
    assert.is(warnings.length, 1);
    assert.match(warnings[0]!, /is decoded on the processor: hwaccel: no device '\/no\/such\/device' of 'vaapi'/);
  },
);

test('a decoder that does not work on a device says on which it does', async () => {
  const graph = new Graph({ threads: 0 });
  sinkOn(graph.decode({ input_path: media('logo-alpha.png'), hwaccel: 'cuda' }).video);
  assert.match(
    (await failureOf(graph)).message,
    /the decoder png does not work on 'cuda'. It works on the processor only/,
  );
});

test.run();
