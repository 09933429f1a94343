/** The options of `burn_subtitles`. */
import * as v from 'valibot';
import { strictOptions, text } from '../../src/schema/schema.js';

export const burnOptions = strictOptions({
  /** Of text: what is to look otherwise, in the words of ASS: "FontName=Arial,FontSize=24". */
  style: v.optional(text('styles in the words of ASS such as "FontSize=24"')),
  /** Folder with fonts, beside those of the system and of the file. */
  fonts_dir: v.optional(text('a folder')),
});

export type BurnOptions = v.InferOutput<typeof burnOptions>;
