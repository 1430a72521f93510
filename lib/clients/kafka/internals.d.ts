/** The one inner part of kafkajs 2.2.4 that we touch, see `kafka-request-queue.ts`. */
declare module 'kafkajs/src/network/requestQueue/index.js' {
  const RequestQueue: {
    prototype: { readonly pending: readonly unknown[]; scheduleCheckPendingRequests(): void };
  };
  export default RequestQueue;
}
