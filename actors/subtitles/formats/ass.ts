/** ASS and its forerunner SSA: events as they are, the header of the script as extradata. */
import { AV_CODEC_ID_ASS, AV_CODEC_ID_SSA } from 'node-av/constants';
import { parseEvent, writeEvent } from '../../../src/media/index.js';
import { DEFAULT_HEADER } from '../script.js';
import { type TextFormat, textOf } from './format.js';

const common: Pick<TextFormat, 'decoder' | 'encoder'> = {
  decoder(extradata) {
    const header = textOf(extradata);
    return {
      header: header.trim() === '' ? undefined : header,
      decode(bytes) {
        // The end of a line belongs to files.
        const line = textOf(bytes).replace(/[\r\n]+$/, '');
        return line === '' ? undefined : parseEvent(line);
      },
    };
  },
  encoder(header) {
    // Readers take an event that has come before for the same one.
    let order = 0;
    return {
      extradata: Buffer.from(header ?? DEFAULT_HEADER),
      encode: (event) => ({
        bytes: Buffer.from(writeEvent({ ...event, readOrder: order++ })),
        sideData: [],
        lost: new Set(),
      }),
    };
  },
};

export const ass: TextFormat = { name: 'ass', id: AV_CODEC_ID_ASS, ...common };

export const ssa: TextFormat = { name: 'ssa', id: AV_CODEC_ID_SSA, ...common };
