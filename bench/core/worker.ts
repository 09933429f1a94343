/** Entry of the threads that measure without a graph: a side of a ring or of a clone transfer. */
import { parentPort, workerData } from 'node:worker_threads';
import { type CloneJob, runCloneSide } from './clone-sides.js';
import { type RingJob, runSide } from './ring-sides.js';

const job = workerData as RingJob | CloneJob;
parentPort!.postMessage(job.what === 'clone' ? runCloneSide(job) : await runSide(job));
