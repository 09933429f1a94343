/** `thumbnails`: pictures of a video as files or in memory. */
import type { Report } from '../../scheduler/run/report.js';
import { checked } from '../../schema/problems.js';
import { strictOptions } from '../../schema/schema.js';
import { type EncodedPicture, makePictures, type PictureOptions, pictureEntries, requireNumber } from './pictures.js';
import { type TaskInput, type TaskOptions, taskEntries } from './task.js';

export interface ThumbnailsOptions extends PictureOptions, TaskOptions {}

export interface Thumbnail extends EncodedPicture {
  /** Seconds from the beginning of the input. */
  readonly time: number;
}

export interface Thumbnails {
  readonly thumbnails: readonly Thumbnail[];
  readonly report: Report;
}

const schema = strictOptions({ ...pictureEntries, ...taskEntries });

/**
 * Pictures of a video: every so many seconds, so many of them, or at given times. Of each time it is the first picture at
 * or after it. Where times are far from each other the input is entered at each of them.
 *
 * ```ts
 * const { thumbnails: list } = await thumbnails('in.mp4', { every: 10, width: 320 });
 * list[0].data;   // a JPEG
 * await thumbnails('in.mp4', { at: 12.5, output: 'poster.png' });
 * await thumbnails('in.mp4', { count: 5, width: 160, output: 'small-%02d.webp' });
 * ```
 * @throws MillraceError ERR_MILLRACE_CONFIG for wrong options, ERR_MILLRACE_INPUT for an input without video,
 * ERR_MILLRACE_OUTPUT, ERR_MILLRACE_ABORTED; GraphError of what fails meanwhile.
 */
export async function thumbnails(input: TaskInput, options: ThumbnailsOptions): Promise<Thumbnails> {
  const given = checked(schema, options, 'options of thumbnails');
  const { made, found, report } = await makePictures('thumbnails', input, given, (pictures, times) => {
    requireNumber('thumbnails', given.output, times.length);
    return pictures;
  });
  return { thumbnails: made.map((picture, n) => ({ time: found[n]!, ...picture })), report };
}
