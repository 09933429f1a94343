/** Looks into a file, or into bytes that the program has, at once: this thread may sleep meanwhile. */
import { SourceReader } from '../../src/media/bytes/source-reader.js';
import type { NativeWait } from '../../src/media/native/native-wait.js';
import { IndexCheck } from '../decoder/demux-thread/mp4-index.js';
import { Input } from '../decoder/input/input.js';
import type { FromReader, ReaderData } from '../decoder/network/protocol.js';
import { type ByteEnd, withBytes } from '../shared/byte-io.js';
import type { MediaInfo } from '../shared/media-info.js';
import { sourceEnd } from '../shared/source-io.js';
import { describeInput } from './describe.js';

/** @throws MillraceError ERR_MILLRACE_INPUT */
export function look(data: ReaderData, wait: NativeWait): void {
  data.port.postMessage({ type: 'info', info: found(data, wait) } satisfies FromReader);
}

function found(data: ReaderData, wait: NativeWait): MediaInfo {
  const { input: options, source: ref } = data;
  if (!ref) return describe(new Input(options));
  const source = new SourceReader(ref, data, wait, { ahead: false });
  try {
    const end = sourceEnd(source, options.path);
    const looked = ref.size === undefined ? fromBeginning(end, new IndexCheck(options.path)) : end;
    const info = withBytes(looked, (io) => describe(new Input({ ...options, io })));
    // The name of bytes is no path.
    delete info.format.size;
    return info;
  } finally {
    source.close();
  }
}

function describe(input: Input): MediaInfo {
  try {
    return describeInput(input);
  } finally {
    input.close();
  }
}

/** What cannot be sought in must have its index before what it is the index of. */
function fromBeginning(end: ByteEnd, check: IndexCheck): ByteEnd {
  return {
    read(length) {
      const bytes = end.read!(length);
      return bytes === null || bytes === 'broken' || check.pass(bytes) ? bytes : 'broken';
    },
    confirm() {
      end.confirm!();
      check.confirm();
    },
  };
}
