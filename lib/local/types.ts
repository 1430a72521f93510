/** What a server that was brought up (or named) looks like to the demo and to tests. */

/** Receives one sentence for people at a time, without a line break. */
export type Progress = (line: string) => void;

/** A server on this machine, or one that was named. Operations must not overlap: await one before the next. */
export type ServerHandle = {
  readonly host: string;
  readonly port: number;
  /** What the server says it is: `apache-kafka`, `redis` or `valkey`; `kafka` for a named broker. */
  readonly kind: string;
  /** What the running server reports; `unknown` where it does not say. */
  readonly version: string;
  /** Process id; undefined while it does not run and for a named server. */
  readonly pid: number | undefined;
  /** Ends it cleanly (SIGTERM, SIGKILL after a bound); nothing to do when it does not run. A no-op for a named server. */
  readonly stop: () => Promise<void>;
  /** SIGKILL, for fault tests: resolves when the process is gone. Throws ConfigError for a named server. */
  readonly kill: () => Promise<void>;
  /** Starts it again on the same port and data, after a clean stop if it runs. Throws ConfigError for a named server. */
  readonly restart: () => Promise<void>;
};

/** Extra listeners of a broker with `security: true`, and what a client needs to use them. Made anew for every broker. */
export type KafkaSecurity = {
  /** `host:port` per listener. PLAIN, SCRAM-SHA-256 and SCRAM-SHA-512 work on both SASL listeners. */
  readonly brokers: {
    readonly saslPlaintext: readonly string[];
    readonly ssl: readonly string[];
    readonly saslSsl: readonly string[];
  };
  readonly username: string;
  readonly password: string;
  /** The authority that signed the broker's certificate (127.0.0.1, localhost) [PEM]. */
  readonly caPem: string;
  /** A client certificate and key of the same authority; asked for, not demanded, on `ssl` [PEM]. */
  readonly clientCertPem: string;
  readonly clientKeyPem: string;
};

export type KafkaHandle = ServerHandle & {
  /** `host:port` of the listener without security. */
  readonly brokers: readonly string[];
  readonly security: KafkaSecurity | undefined;
};

export type RedisHandle = ServerHandle & {
  /** `redis://host:port`. */
  readonly url: string;
};

/** A control plane. `pid`, `kill` and `restart` are about its API server; `stop` ends all its parts. */
export type ControlPlaneHandle = ServerHandle & {
  /** `https://host:port` of the API server. */
  readonly url: string;
  /** The authority that signed its certificate [PEM]. */
  readonly caPem: string;
  /** Bearer token of a user who may do everything, also in the kubeconfig. */
  readonly adminToken: string;
  readonly kubeconfigFile: string;
  /** Signs tokens of service accounts, for tests of expired ones [PEM]. */
  readonly serviceAccountKeyPem: string;
  /** etcd's JSON gateway, for tests that age the history. */
  readonly etcdUrl: string;
};
