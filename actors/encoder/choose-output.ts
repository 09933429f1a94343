/** Where an encoder writes: to a file, to a peer of the network, as bytes or as packets to the nodes behind it. */
import { MillraceError } from '../../src/errors/errors.js';
import { EncodedPacket, Packet } from '../../src/media/index.js';
import type { ModuleContext } from '../../src/module/contract.js';
import { Muxer } from './mux/muxer.js';
import { isNetworkOutput, NetworkOutput } from './network/output.js';
import { type EncoderOptions, PUSH } from './options.js';
import type { Piece } from './output/byte-output.js';
import { checkWritable, has, type Target } from './output/format.js';
import type { Output } from './output/output.js';
import { outputFiles } from './output/output-files.js';
import { PacketOutput } from './output/packet-output.js';

/** It writes a file, or to a peer. */
export function isWritten({ push_output, null_output }: EncoderOptions): boolean {
  return (push_output ?? PUSH.file) === PUSH.file && !null_output;
}

/**
 * @param emit gets what goes to an output of the node.
 * @param latest time that has come in, µs.
 * @throws MillraceError ERR_MILLRACE_OPTION or ERR_MILLRACE_OUTPUT for what can be refused without a frame.
 */
export function chooseOutput(
  target: Target,
  ctx: ModuleContext<EncoderOptions>,
  emit: (output: number, packet: Packet) => void,
  latest: () => number,
): Output {
  const { options, inputs } = ctx;
  if (options.push_output === PUSH.packets) return new PacketOutput(emit);
  if (options.push_output === PUSH.bytes) {
    if (has(target.muxer, 'no-file')) {
      throw new MillraceError(
        'ERR_MILLRACE_OPTION',
        `format: '${target.muxer.name}' writes files of its own, so there are no bytes for push_output 1`,
        { hint: 'Name a format that is one stream of bytes: mp4, mpegts, flv, matroska, image2pipe, …' },
      );
    }
    return new Muxer(target, inputs, options, ctx, (piece) => emit(0, packetOf(piece, latest())));
  }
  if (isWritten(options)) {
    for (const { path, makesFolders } of outputFiles(target.path, target.format, options.mux_params)) {
      const { output_prefix: prefix, variants } = options;
      checkWritable(path, prefix !== undefined || variants !== undefined || makesFolders);
    }
    if (isNetworkOutput(target, options)) return new NetworkOutput(target, ctx);
  }
  refuseNetworkOptions(options, target.name);
  for (const key of ['queue_bytes', 'when_full'] as const) {
    if (options[key] === undefined) continue;
    ctx.log.warn(`${key} has no effect: ${target.name} is no output of the network, nor has it timeout_ms`);
  }
  return new Muxer(target, inputs, options, ctx);
}

/** A piece of the file, with the latest time that had come in when it was written. */
function packetOf({ bytes, offset }: Piece, timestamp: number): Packet {
  return new Packet(EncodedPacket.from(bytes, { offset, whence: 0 }), { timestamp });
}

/** @throws MillraceError ERR_MILLRACE_OPTION for what only a peer of the network has. */
function refuseNetworkOptions({ reconnect, drop }: EncoderOptions, name: string): void {
  const key = reconnect ? 'reconnect' : drop !== undefined && drop !== 'none' ? 'drop' : undefined;
  if (key === undefined) return;
  throw new MillraceError('ERR_MILLRACE_OPTION', `${key}: has no effect on ${name}, which has no peer`, {
    hint: 'It is for outputs of the network, such as rtmp:, srt:, tcp: and udp:',
  });
}
