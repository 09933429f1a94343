/**
 * Whose word a frame's picture type is. Decoders leave what they saw in `pict_type`, and it must not force an encoder;
 * what a user writes there must. A bit of the frame's flags that FFmpeg has no use for tells them apart: flags travel with
 * a frame through filters and across threads as everything else does.
 */
import { AV_PICTURE_TYPE_NONE, type AVPictureType } from 'node-av/constants';
import type { Frame } from 'node-av/lib';

const USERS_WORD = 1 << 28;

/** From now on the picture type of the frame is meant. */
export function meanPictureType(av: Frame): void {
  av.flags |= USERS_WORD;
}

/** What an encoder is to make of a frame; AV_PICTURE_TYPE_NONE: what it finds best. */
export function meantPictureType(av: Frame): AVPictureType {
  return (av.flags & USERS_WORD) === 0 ? AV_PICTURE_TYPE_NONE : av.pictType;
}
