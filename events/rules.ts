/** Rules for incoming events that go beyond one field: time against Kafka's own time, sizes, and who may report what. */

/** Longest accepted record value [bytes]. A real event has 300 to 2,000; a histogram of 64 bounds stays under 3,000. */
export const VALUE_BYTES_MAX = 65_536;

/** Deepest accepted nesting of unknown fields [levels]: known ones need three. */
export const DEPTH_MAX = 16;

/** An interval may end so far ahead of its record's Kafka time and is moved back to it [ms]: clock skew of a host without time sync. */
export const AHEAD_MS_MAX = 60_000;

/** An interval that ended longer before its record's Kafka time falls out of the load window (180 buckets of 5 s) [ms]. */
export const BEHIND_MS_MAX = 900_000;

/** A record's Kafka time may be so far ahead of this host's clock [ms]. Beyond, one producer with a wrong clock would push everybody else's samples out of the ring. */
export const RECORD_AHEAD_MS_MAX = 300_000;

/** Sources that report `inference-load`. */
export const LOAD_SOURCE_PREFIXES = ['pod/', 'gateway/'] as const;

/** Sources that report `queue-depth`. */
export const QUEUE_SOURCE_PREFIXES = ['queue/', 'kafka/'] as const;
