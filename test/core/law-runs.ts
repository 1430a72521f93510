/** How often each law is tried: a part of it in `npm test`, ten thousand times in `npm run test:laws`, which CI runs as well and which runs every file that imports this one. */
// oxlint-disable-next-line node/no-process-env -- a setting of these tests alone
const ASKED = Number(process.env['PENSTOCK_LAW_RUNS'] ?? 0);

/** `usual` many in `npm test`. */
export const lawRuns = (usual: number): number => (ASKED > 0 ? ASKED : usual);

/** Laws of one decision, and of the window. */
export const SITUATION_RUNS = lawRuns(2_000);

/** Laws of a course, which is some dozens of decisions. */
export const COURSE_RUNS = lawRuns(500);
