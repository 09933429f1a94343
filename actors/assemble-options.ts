/** Options of `assemble`, apart from the module so that checking them loads nothing else. */
import * as v from 'valibot';
import { boolean, strictOptions } from '../src/schema/schema.js';

/** `tickets`: each input marks with a ticket where what belongs to one packet ends, instead of one packet each. */
export const assembleOptions = strictOptions({ tickets: v.optional(boolean(), false) });
