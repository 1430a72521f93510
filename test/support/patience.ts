/** Deadlines of requests in tests that are not about time: a busy machine must not fail an honest answer. */

/** Only ends a test that hangs [ms]; below the time of a test. */
export const PATIENT_MS = 30_000;

/** How a Kubernetes client tells the time of a request that may take so many ms. */
export type DeadlineOf = (requestMs: number) => AbortSignal;

/** Our Kubernetes client with it, whatever a request asks for. */
export const patientKubernetes = { deadlineOf: (): AbortSignal => AbortSignal.timeout(PATIENT_MS) };
