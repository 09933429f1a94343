import type { Meter } from '../module/contract.js';
import type { Board } from './board/board.js';
import { NodeFigure } from './board/states.js';

const FIGURES = [
  ...(['duration', 'position', 'frames', 'bytes', 'dropped', 'duplicated', 'corrupt', 'psnr'] as const),
  ...(['outages', 'outageMilliseconds', 'outageSince', 'awaited'] as const),
  ...(['latency', 'latencyMost', 'latencySum', 'latencyCount'] as const),
] satisfies (keyof Meter)[];

/** The module's meter: its figures are words of the board. */
export function boardMeter(board: Board, node: number): Meter {
  const { figures } = board;
  const at = board.figuresAt(node);
  const meter = {} as Meter;
  for (const name of FIGURES) {
    Object.defineProperty(meter, name, {
      enumerable: true,
      get: () => figures[at + NodeFigure[name]]!,
      set: (value: number) => {
        figures[at + NodeFigure[name]] = value;
      },
    });
  }
  return meter;
}
