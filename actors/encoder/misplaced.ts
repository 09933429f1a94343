/** Where options of an encoder belong that were given beside `output_path`, and names that others have for its own. */

const listed = (names: string): ReadonlySet<string> => new Set(names.split(' '));

const OF_VIDEO = listed(
  'crf preset profile tune level g bf keyint pix_fmt width height r max_fr vsync maxrate bufsize refs psnr in_time_base vtag ' +
    'x264-params x265-params x264opts svtav1-params cpu-used deadline row-mt',
);
const OF_AUDIO = listed('sample_rate channels channel_layout ch_layout sample_fmt atag vbr');
const OF_BOTH = listed('codec bit_rate bitrate threads qscale');
const OF_MUXER =
  /^(movflags|flvflags|brand|mpegts_.*|hls_.*|segment_.*|seg_duration|frag_.*|update|start_number|muxdelay)$/;

const OTHERS: Readonly<Record<string, string>> = {
  path: 'The file to write is output_path',
  file: 'The file to write is output_path',
  video_codec: "Write video_params: { codec: 'h264' }",
  audio_codec: "Write audio_params: { codec: 'aac' }",
  fps: 'The frame rate is video_params: { r: 25 }',
  video: 'Settings of the pictures are video_params',
  audio: 'Settings of the sound are audio_params',
  vf: "Filters are methods of streams: video.hflip(), video.filter('eq', { contrast: 1.2 })",
  af: 'Filters are methods of streams: audio.volume(0.5)',
  filter: 'Filters are methods of streams: video.hflip(), audio.volume(0.5)',
};

/** @returns a sentence for an option that is not known at this place. */
export function misplaced(name: string): string | undefined {
  if (Object.hasOwn(OTHERS, name)) return OTHERS[name];
  if (OF_VIDEO.has(name)) return `It belongs into video_params: { ${quoted(name)}: … }`;
  if (OF_AUDIO.has(name)) return `It belongs into audio_params: { ${quoted(name)}: … }`;
  if (OF_BOTH.has(name)) return `It belongs into video_params or audio_params: { ${quoted(name)}: … }`;
  return OF_MUXER.test(name) ? `It belongs into mux_params: { ${quoted(name)}: … }` : undefined;
}

function quoted(name: string): string {
  return name.includes('-') ? `'${name}'` : name;
}
