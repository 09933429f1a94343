import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { protocolOf, whitelistFor, whitelistOf } from '../../../actors/shared/protocols/protocols.js';
import { registerModule } from '../../../src/catalog/registry.js';
import { ConfigError, type Problem } from '../../../src/errors/errors.js';
import type { Allowed } from '../../../src/graph/file/trust.js';
import { Graph } from '../../../src/graph/graph.js';
import { refused } from '../kit.js';

// Any file that exists: it is never imported here.
const someFile = fileURLToPath(import.meta.url);

interface Parts {
  decoder?: Record<string, unknown>;
  filter?: Record<string, unknown>;
  encoder?: Record<string, unknown>;
  module?: Record<string, unknown>;
}

function graphFile({ decoder, filter, encoder, module }: Parts): object {
  return {
    nodes: [
      {
        id: 0,
        module_info: { name: 'c_ffmpeg_decoder' },
        option: { input_path: 'in.mp4', ...decoder },
        output_streams: [{ identifier: 'a' }],
      },
      {
        id: 1,
        module_info: module ?? { name: 'c_ffmpeg_filter' },
        option: module ? {} : withoutUndefined({ name: 'vflip', ...filter }),
        input_streams: [{ identifier: 'a' }],
        output_streams: [{ identifier: 'b' }],
      },
      {
        id: 2,
        module_info: { name: 'c_ffmpeg_encoder' },
        option: { output_path: 'out.mp4', ...encoder },
        input_streams: [{ identifier: 'b' }],
      },
    ],
  };
}

function withoutUndefined(options: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}

function problems(parts: Parts, allow?: Allowed): readonly Problem[] {
  try {
    Graph.fromConfig(graphFile(parts), { allow });
    return [];
  } catch (error) {
    assert.instance(error, ConfigError);
    return (error as ConfigError).problems;
  }
}

const test = suite('untrusted graph files');

test('plain files are fine', () => {
  assert.equal(problems({}), []);
  assert.equal(problems({ decoder: { input_path: 'file:in.mp4' }, encoder: { output_path: 'a dir/out.mp4' } }), []);
});

test('a URL as input or output is refused unless its protocol is allowed', () => {
  const [input] = problems({ decoder: { input_path: 'http://host/in.mp4' } });
  assert.is(input!.path, 'nodes[0].option.input_path');
  assert.match(input!.message, /may not open 'http:'/);
  assert.match(input!.hint!, /protocols: \['http'\]/);
  assert.is(problems({ encoder: { output_path: 'rtmp://host/live' } })[0]!.path, 'nodes[2].option.output_path');
  assert.equal(problems({ decoder: { input_path: 'http://host/in.mp4' } }, { protocols: ['http'] }), []);
  assert.is(problems({ decoder: { input_path: 'https://host/in.mp4' } }, { protocols: ['http'] }).length, 1);
  assert.equal(problems({ decoder: { input_path: 'https://host/in.mp4' } }, { protocols: ['*'] }), []);
});

test('protocols are recognised as FFmpeg recognises them', () => {
  const expected: Record<string, string> = {
    'in.mp4': 'file',
    '/a/b:c.mp4': 'file',
    'C:\\media\\in.mp4': 'file',
    'pipe:1': 'pipe',
    'concat:a.ts|b.ts': 'concat',
    'crypto+http://x': 'crypto+http',
    'subfile,,start,0,end,9,,:in.mp4': 'subfile',
    'HTTP://x': 'http',
    'cache:in.mp4': 'cache',
    'tcp:host:80': 'tcp',
  };
  for (const [name, protocol] of Object.entries(expected)) assert.is(protocolOf(name), protocol, name);
});

test('FFmpeg gets the allowed protocols with what they are made of; what comes from the network names no local files', () => {
  assert.is(whitelistOf([]), 'file,crypto,data');
  assert.is(whitelistOf(['https', 'crypto+http']), 'file,crypto,data,https,tls,tcp,httpproxy,http');
  const list = whitelistOf(['http', 'concat', 'cache']);
  for (const name of ['in.mp4', 'file:in.mp4', 'concat:a.ts|b.ts', 'concat:a.ts|http://h/b', 'cache:in.mp4']) {
    assert.is(whitelistFor(name, list), list, name);
  }
  for (const name of ['http://h/a.m3u8', 'crypto+http://h/a', 'cache:http://h/a', 'hls+http://h/a']) {
    assert.is(whitelistFor(name, list), 'crypto,data,http,tcp,concat,cache', name);
  }
});

test('URLs in other options are found, also behind escapes; metadata may hold anything', () => {
  assert.is(
    problems({ encoder: { mux_params: { hls_segment_filename: 'http://x/%d.ts' } } })[0]!.path,
    'nodes[2].option.mux_params.hls_segment_filename',
  );
  assert.is(problems({ filter: { name: 'drawtext', para: 'textfile=http\\://x' } })[0]!.path, 'nodes[1].option.para');
  assert.equal(problems({ encoder: { metadata: { comment: 'see http://example.org' } } }), []);
});

test('filters and muxers that open things by themselves are refused', () => {
  assert.match(problems({ filter: { name: 'zmq' } })[0]!.message, /the filter 'zmq'/);
  assert.match(
    problems({ decoder: { input_path: 'amovie=x', dec_params: { f: 'lavfi' } } })[0]!.message,
    /the filter 'amovie'/,
  );
  assert.match(problems({ encoder: { format: 'tee' } })[0]!.message, /the format 'tee'/);
  assert.equal(problems({ decoder: { input_path: 'testsrc2=size=64x64', dec_params: { f: 'lavfi' } } }), []);
});

test('a filter is known behind escapes and instance names, and a text that only mentions it is fine', () => {
  assert.is(problems({ filter: { name: 'movie@a', para: 'tcp\\:x' } }).length, 1);
  const graph = (text: string): Parts => ({ filter: { name: undefined, graph: text } });
  assert.is(problems(graph('mo\\vie=tcp\\\\:x[a];[0][a]overlay')).length, 1);
  assert.is(problems(graph("'movie'='tcp\\:x'[a];[0][a]overlay")).length, 1);
  assert.equal(problems(graph('[0]vflip[0]')), []);
  assert.equal(problems({ filter: { name: 'drawtext', para: 'text=a movie' } }), []);
});

test('devices are refused on both sides', () => {
  assert.match(problems({ decoder: { input_path: ':0', dec_params: { f: 'x11grab' } } })[0]!.message, /'x11grab'/);
  assert.match(problems({ encoder: { output_path: 'default', format: 'alsa' } })[0]!.message, /'alsa'/);
});

test('a file may not widen what playlists open', () => {
  const decoder = { input_path: 'list.m3u8', dec_params: { protocol_whitelist: 'file,http,tcp' } };
  assert.match(problems({ decoder })[0]!.message, /may not open 'http:'/);
  assert.equal(problems({ decoder }, { protocols: ['http', 'tcp'] }), []);
  assert.equal(problems({ decoder: { ...decoder, dec_params: { protocol_whitelist: 'file,crypto' } } }), []);
});

test('a permission that does not exist is refused', () => {
  assert.match(problems({}, { module: true } as never)[0]!.message, /Did you mean 'modules'\?/);
  assert.match(problems({}, { protocols: 'http' as never })[0]!.path, /allow\.protocols/);
});

test('a module file is refused unless modules are allowed; a registered one may be named', () => {
  const [problem] = problems({ module: { name: 'mine', path: someFile } });
  assert.is(problem!.path, 'nodes[1].module_info.path');
  assert.equal(problems({ module: { name: 'mine', path: someFile } }, { modules: true }), []);
  registerModule('trust_test_mine', { path: someFile });
  assert.equal(
    problems({ module: { name: 'trust_test_mine' } }).filter(({ path }) => path.includes('module_info')),
    [],
  );
});

test('an allowed module file that does not exist is refused', () => {
  assert.match(
    problems({ module: { path: '/nowhere/m.mjs' } }, { modules: true })[0]!.message,
    /no module file \/nowhere\/m.mjs/,
  );
});

test('registering needs a free name and a file that exists', () => {
  assert.match(refused(() => registerModule('c_ffmpeg_filter', { path: someFile })).message, /is a built-in module/);
  assert.match(refused(() => registerModule('a b', { path: someFile })).message, /cannot be the name/);
  assert.match(refused(() => registerModule('gone', { path: '/nowhere/m.mjs' })).message, /there is no module file/);
});

/** Messages about one option of the file. */
function messages(parts: Parts, allow?: Allowed): string[] {
  return problems(parts, allow).map(({ message }) => message);
}

const filter = (name: string, para: string): Parts => ({ filter: { name, para } });

test('what looks like a URL and is none is no problem', () => {
  const fine: Parts[] = [
    { decoder: { input_path: 'C:\\media\\in.mp4' }, encoder: { output_path: 'D:/out.mp4' } },
    { decoder: { input_path: 'interviews/tcp: basics.mp4' }, encoder: { output_path: 'a/http: b.mp4' } },
    filter('drawtext', "text='10\\:30 o''clock'"),
    filter('drawtext', 'text=see http\\://example.org:x=10'),
    filter('drawtext', "fontfile=/a.ttf:text='http://example.org'"),
    filter('metadata', "mode=add:key=url:value='http://example.org'"),
    filter('metadata', 'print:file=figures.txt'),
    filter('subtitles', 'C\\:/a.srt'),
    filter('subtitles', "filename='a.srt':force_style='FontName=Arial,FontSize=20'"),
    filter('movie', 'logo.png'),
    filter('trim', 'start=00\\:00\\:10:end=00\\:00\\:20'),
    filter('aresample', 'async=1:first_pts=0'),
    filter('concat', 'n=2:v=1:a=1'),
    filter('lut3d', 'file=data.cube'),
    filter('libplacebo', 'w=320:h=240'),
    filter('scale', '320:240'),
    { filter: { name: undefined, graph: "[0]drawtext=text='a, tcp b':x=1,split[a][b];[a][b]hstack[0]" } },
    { encoder: { metadata: { comment: 'see http://example.org', source: 'rtmp://a' } } },
    { encoder: { mux_params: { hls_base_url: 'https://cdn.example/', hls_segment_filename: 'a/%03d.ts' } } },
    { encoder: { mux_params: { var_stream_map: 'v:0,a:0,name:main' } } },
    { encoder: { mux_params: { utc_timing_url: 'https://time.example/' }, format: 'dash' } },
    { encoder: { video_params: { 'x264-params': 'keyint=25:min-keyint=25' } } },
    { decoder: { input_path: 'list.txt', dec_params: { f: 'concat', safe: 1 } } },
    { decoder: { input_path: 'testsrc2=size=64x64,drawtext=text=a movie', dec_params: { f: 'lavfi' } } },
  ];
  for (const parts of fine) {
    const refused = problems(parts).filter(({ message }) => message.startsWith('a graph file may not'));
    assert.equal(refused, [], JSON.stringify(parts));
  }
});

test('a protocol is found in every option, however it is quoted and in whatever list it stands', () => {
  const refused: [Parts, RegExp][] = [
    [filter('subtitles', 'tcp\\:127.0.0.1\\:80'), /'tcp:'/],
    [filter('subtitles', "'http://h/a'"), /'http:'/],
    [filter('subtitles', 'filename=h\\t\\tp\\://h/a'), /'http:'/],
    [filter('subtitles', 'f=unknown\\:a'), /'unknown:'/],
    [filter('metadata', "mode=print:file='udp://h:1'"), /'udp:'/],
    [filter('metadata', 'print:file=-'), /'pipe:'/],
    [filter('ametadata', 'print:file=unix\\:/run/a'), /'unix:'/],
    [filter('whisper', 'model=a:destination=http\\://h'), /'http:'/],
    [filter('cover_rect', 'cover=tcp\\://h\\:1'), /'tcp:'/],
    [filter('find_rect', 'http\\://h/a.pgm'), /'http:'/],
    [filter('removelogo', 'f=tcp\\://h'), /'tcp:'/],
    [filter('showcqt', 'axisfile=tcp\\://h'), /'tcp:'/],
    [filter('drawtext', 'text=a:textfile=http\\://h'), /'http:'/],
    [filter('sendcmd', "commands='0 drawtext reinit textfile=tcp://h'"), /'tcp:'/],
    [{ filter: { name: undefined, filters: [{ name: 'subtitles', para: 'tcp\\:h' }] } }, /'tcp:'/],
    [{ encoder: { mux_params: { segment_list: 'tcp:127.0.0.1:80' } } }, /'tcp:'/],
    [{ encoder: { mux_params: { hls_segment_filename: '%v://h/%d' } } }, /'%v:'/],
    [{ encoder: { mux_params: { hls_enc_key_url: 'http://h/key' } } }, /'http:'/],
    [{ encoder: { mux_params: { segment_header_filename: 'concat:a|tcp:h' } } }, /'concat:'/],
    [{ encoder: { video_params: { stats: 'pipe:1' } } }, /'pipe:'/],
    [{ encoder: { output_path: '[f=flv]rtmp://h/a|out.mp4', format: 'tee' } }, /the format 'tee'/],
    [{ encoder: { output_path: 'subfile,,start,0,end,9,,:tcp://h' } }, /'subfile:'/],
    [{ decoder: { dec_params: { cryptokey: 'async:tcp://h' } } }, /'async:'/],
    [{ decoder: { input_path: 'data:,x' } }, /'data:'/],
    [{ decoder: { input_path: 'nullsrc,metadata=print:file=tcp\\\\://h', dec_params: { f: 'lavfi' } } }, /'tcp:'/],
  ];
  for (const [parts, message] of refused) assert.match(messages(parts).join(), message, JSON.stringify(parts));
});

test('a protocol that is allowed opens no other one', () => {
  const allow = { protocols: ['http', 'concat', 'crypto'] };
  assert.equal(messages({ decoder: { input_path: 'concat:a.ts|b.ts' } }, allow), []);
  assert.equal(messages({ decoder: { input_path: 'crypto+http://h/a' } }, allow), []);
  assert.match(messages({ decoder: { input_path: 'concat:a.ts|tcp:h' } }, allow)[0]!, /'tcp:'/);
  assert.match(messages({ decoder: { input_path: 'crypto+tcp://h/a' } }, allow)[0]!, /'crypto\+tcp:'/);
  assert.equal(messages(filter('subtitles', 'http\\://h/a'), allow), []);
  assert.match(messages(filter('subtitles', 'https\\://h/a'), allow)[0]!, /'https:'/);
});

test('formats that open things by themselves are refused by any of their names, also where one muxer feeds another', () => {
  for (const f of ['video4linux2', 'v4l2', 'V4L2', 'video4linux2,v4l2', 'alsa', 'fbdev', 'rtsp', 'sap', 'rtp']) {
    assert.match(messages({ decoder: { dec_params: { f } } }).join(), /may not use the format/, f);
  }
  for (const format of ['fifo', 'rtsp', 'sap', 'alsa', 'xv', 'whip', 'TEE']) {
    assert.match(messages({ encoder: { format } }).join(), /may not use the format/, format);
  }
  assert.match(messages({ encoder: { mux_params: { segment_format: 'tee' } } }).join(), /the format 'tee'/);
  assert.equal(messages({ encoder: { format: 'stream_segment' } }), []);
  const rtsp = { encoder: { format: 'rtsp', output_path: 'rtsp://h/a' } };
  assert.is(messages(rtsp).length, 2);
  assert.equal(messages(rtsp, { protocols: ['rtsp'] }), []);
});

test('a file may not loosen what FFmpeg opens', () => {
  const loose: Parts[] = [
    { decoder: { dec_params: { f: 'concat', safe: 0 } } },
    { decoder: { dec_params: { f: 'concat', safe: false } } },
    { decoder: { dec_params: { f: 'concat', safe: '-1' } } },
    { decoder: { dec_params: { f: 'hls', seg_format_options: 'protocol_whitelist=file' } } },
    { decoder: { dec_params: { f: 'hls', seg_format_options: 'sa\\fe=0' } } },
    { encoder: { mux_params: { hls_segment_options: 'a=b:protocol_whitelist=x' } } },
  ];
  for (const parts of loose) {
    assert.match(messages(parts).join(), /what else FFmpeg may open/, JSON.stringify(parts));
    assert.equal(
      messages(parts, { protocols: ['*'] }).filter((message) => message.startsWith('a graph file')),
      [],
    );
  }
  assert.match(messages(filter('movie', 'a.mp4:f=concat')).join(), /'f' of the filter 'movie'/);
  assert.match(messages(filter('movie', '\\:0:x11grab')).join(), /'x11grab' of the filter 'movie'/);
  assert.match(messages(filter('movie', 'a.mp4:format_opts=safe=0')).join(), /'format_opts' of the filter 'movie'/);
  assert.match(
    messages({ decoder: { input_path: 'nullsrc', dec_params: { f: 'lavfi', graph_file: 'a.txt' } } }).join(),
    /a file of filters/,
  );
});

test('programs that FFmpeg would load need the permission for modules, whatever may be opened', () => {
  const programs: Parts[] = [
    filter('ladspa', 'file=caps:plugin=x'),
    filter('lv2', 'plugin=urn\\:x'),
    filter('frei0r', 'filter_name=glow'),
    filter('program_opencl', 'source=a.cl:kernel=k'),
    filter('openclsrc', 'a.cl:k'),
    filter('xfade_opencl', 'custom:a.cl:k'),
    filter('libplacebo', 'custom_shader_path=a.hook'),
    filter('dnn_processing', 'model=a.pb'),
    { encoder: { video_params: { omx_libname: '/tmp/a.so' } } },
    { decoder: { input_path: 'frei0r_src=size=8x8', dec_params: { f: 'lavfi' } } },
    { decoder: { input_path: 'a.avs', dec_params: { f: 'avisynth' } } },
  ];
  const about = /running a program/;
  for (const parts of programs) {
    assert.match(messages(parts, { protocols: ['*'] }).join(), about, JSON.stringify(parts));
    assert.not.match(messages(parts, { modules: true }).join(), about, JSON.stringify(parts));
  }
});

test('no name and no value hides behind a NUL, at which FFmpeg would stop to read', () => {
  const hidden: Parts[] = [
    { decoder: { dec_params: { f: 'concat', 'safe\0': 0 } } },
    { decoder: { dec_params: { f: 'hls', 'protocol_whitelist\0': 'file,http,tcp' } } },
    { decoder: { dec_params: { f: 'vapoursynth\0' } } },
    { decoder: { input_path: '-\0' } },
    { encoder: { output_path: 'out.mp4\0.txt' } },
    { encoder: { video_params: { 'omx_libname\0': 'a.so' } } },
    { encoder: { mux_params: { 'hls_base_url\0': 'a' } } },
    { encoder: { metadata: { title: 'a\0b' } } },
    filter('zmq\0', 'a'),
    filter('libplacebo', 'custom_shader_path\0=a'),
    { filter: { name: undefined, graph: 'movie\0=a.mp4' } },
    { filter: { name: undefined, filters: [{ name: 'movie\0', para: 'a.mp4' }] } },
  ];
  for (const parts of hidden) assert.match(messages(parts, { protocols: ['*'], modules: true }).join(), /NUL/);
});

test('filters that are none are named by their place', () => {
  const of = (filters: unknown[]): Parts => ({ filter: { name: undefined, filters } });
  for (const none of [null, 5, 'vflip', [1], { name: {} }, { name: 'vflip', para: { toString: 1 } }, {}]) {
    assert.match(problems(of([none]))[0]!.path, /^nodes\[1\]\.option\.filters\[0\]/, JSON.stringify(none));
  }
  assert.is(problems({ filter: { para: { toString: 1 } } })[0]!.path, 'nodes[1].option.para');
});

test('the time that a look takes goes with the length of the text', () => {
  for (const part of ['a', ' ', 'a ', '=', 'tcp+', 'subfile,', ':/', "'\\"]) {
    problems(filter('drawtext', part.repeat(2e5 / part.length)));
    problems({ encoder: { mux_params: { segment_list: part.repeat(2e5 / part.length) } } });
  }
});

test.run();
