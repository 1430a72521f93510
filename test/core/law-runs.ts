/** How often each law is tried: a part of it in `npm test`, ten thousand times in `npm run test:laws`, which CI runs as well. */
// oxlint-disable-next-line node/no-process-env -- a setting of these tests alone
const ASKED = Number(process.env['PENSTOCK_LAW_RUNS'] ?? 0);

/** Laws of one decision, and of the window. */
export const SITUATION_RUNS = ASKED > 0 ? ASKED : 2_000;

/** Laws of a course, which is some dozens of decisions. */
export const COURSE_RUNS = ASKED > 0 ? ASKED : 500;
