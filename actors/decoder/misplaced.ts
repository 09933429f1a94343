/** Where options of a decoder belong that were given beside `input_path`, and names that others have for its own. */

const OTHERS: Readonly<Record<string, string>> = {
  path: 'The file to read is input_path',
  file: 'The file to read is input_path',
  start: 'It is start_time, in seconds',
  ss: 'It is start_time, in seconds',
  end: 'It is end_time, in seconds on the clock of the input',
  to: 'It is end_time, in seconds on the clock of the input',
  t: 'Say where it ends: end_time, in seconds on the clock of the input',
  duration: 'Say where it ends: end_time, in seconds on the clock of the input',
  stream_loop: 'It is loop: how often the input is played again',
  re: 'It is realtime: true',
  r: 'It is fps, for what has no rate of its own; of others the filter fps makes another number of frames',
  codec: 'It is video_codec or audio_codec',
  width: 'The size is changed by a filter: video.scale(640, -2)',
  height: 'The size is changed by a filter: video.scale(-2, 360)',
};

const PARAMS = new Set(
  'f format threads probesize analyzeduration framerate start_number pattern_type safe fflags video_size pixel_format'.split(
    ' ',
  ),
);

/** @returns a sentence for an option that is not known at this place. */
export function misplaced(name: string): string | undefined {
  if (Object.hasOwn(OTHERS, name)) return OTHERS[name];
  return PARAMS.has(name) ? `It belongs into dec_params: { ${name === 'format' ? 'f' : name}: … }` : undefined;
}
