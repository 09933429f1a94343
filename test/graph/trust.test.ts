import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { protocolOf } from '../../actors/protocols.js';
import { ConfigError, type Problem } from '../../src/errors.js';
import { Graph } from '../../src/graph/graph.js';
import { registerModule } from '../../src/graph/registry.js';
import type { Allowed } from '../../src/graph/trust.js';
import { refused } from './kit.js';

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

test.run();
