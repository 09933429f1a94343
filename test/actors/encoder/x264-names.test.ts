import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { checkX264Names } from '../../../actors/encoder/codec/x264-names.js';

const test = suite('names libx264 knows');

test('presets, by name or number', () => {
  for (const preset of ['veryfast', 'Slow', 0, '9']) checkX264Names({ preset }, 'video_params');
  assert.throws(
    () => checkX264Names({ preset: 'veryfat' }, 'video_params'),
    /^video_params\.preset: libx264 has no preset "veryfat"\. Did you mean 'veryfast'\?$/,
  );
  assert.throws(() => checkX264Names({ preset: '10' }, 'video_params'), /no preset "10"/);
});

test('tunings, one or several', () => {
  for (const tune of ['film', 'film,zerolatency', 'grain+fastdecode']) checkX264Names({ tune }, 'video_params');
  assert.throws(() => checkX264Names({ tune: 'film,nope' }, 'video_params'), /tune: libx264 has no tune "nope"/);
});

test('profiles', () => {
  checkX264Names({ profile: 'high422' }, 'video_params');
  assert.throws(() => checkX264Names({ profile: 'extended' }, 'video_params'), /It has baseline, main, high/);
});

test('other options are none of its business', () => {
  checkX264Names({ crf: 'good', level: '99' }, 'video_params');
});

test.run();
