/** What a file says of itself as a whole: tags with its header, and chapters with it or, in some formats, when it is complete. */
import { Dictionary, type FormatContext } from 'node-av/lib';
import { messageOf } from '../../../src/errors/wire.js';
import type { Log } from '../../../src/module/contract.js';
import { localPath } from '../../shared/location.js';
import { type ChapterPlan, planChapters } from '../chapters/index.js';
import { type FileTexts, NO_TEXTS } from '../output/file-texts.js';
import type { Target } from '../output/format.js';

export class MuxedTexts {
  /** What there is to say; known before the header is written. */
  texts: FileTexts = NO_TEXTS;
  readonly #target: Target;
  readonly #isWritten: boolean;
  #plan: ChapterPlan | undefined;
  /** There are chapters, and the format has no place for them. */
  chaptersLost = false;
  /** What of them there is no room for, in words. */
  chaptersCut: readonly string[] = [];

  /** @param isWritten it goes to the path of the target, and nowhere else. */
  constructor(target: Target, isWritten: boolean) {
    this.#target = target;
    this.#isWritten = isWritten;
  }

  /** Gives the header what goes into it. */
  present(context: FormatContext): void {
    const { muxer, path } = this.#target;
    const { tags, chapters } = this.texts;
    const isFile = this.#isWritten && localPath(path) !== undefined;
    this.#plan = planChapters(muxer.name ?? '', chapters, tags, isFile);
    this.chaptersLost = this.#plan === undefined;
    this.chaptersCut = this.#plan?.cut ?? [];
    const all = { ...tags, ...this.#plan?.tags };
    if (Object.keys(all).length > 0) context.metadata = Dictionary.fromObject(all);
  }

  /** Puts the chapters into the file that is complete. */
  complete(log: Log): void {
    const { path, name } = this.#target;
    try {
      this.#plan?.complete?.(localPath(path) ?? path);
    } catch (error) {
      log.warn(`The chapters of ${name} could not be written: ${messageOf(error)}`);
    }
  }
}
