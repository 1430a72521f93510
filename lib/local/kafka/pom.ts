/** The Maven project whose only purpose is to name the jars of a broker. */
import { KAFKA_VERSION, LOG4J_BINDING_VERSION, SCALA_VERSION } from '../fetch/versions.ts';

/** Dependencies that a KRaft broker without OAuth never loads (5.5 MB). commons-validator is needed at start. */
const UNUSED: readonly (readonly [group: string, artifact: string])[] = [
  ['org.scala-lang', 'scala-reflect'],
  ['com.fasterxml.jackson.dataformat', 'jackson-dataformat-yaml'],
  ['org.yaml', 'snakeyaml'],
  ['org.bitbucket.b_c', 'jose4j'],
  ['commons-beanutils', 'commons-beanutils'],
  ['commons-digester', 'commons-digester'],
  ['commons-collections', 'commons-collections'],
];

/** Text of a `pom.xml` for `dependency:copy-dependencies`: the broker and the log binding it lacks. */
export function kafkaPom(): string {
  const exclusions = UNUSED.map(
    ([group, artifact]) =>
      `        <exclusion><groupId>${group}</groupId><artifactId>${artifact}</artifactId></exclusion>`,
  );
  return `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>penstock.local</groupId>
  <artifactId>broker</artifactId>
  <version>${KAFKA_VERSION}</version>
  <packaging>pom</packaging>
  <dependencies>
    <dependency>
      <groupId>org.apache.kafka</groupId>
      <artifactId>kafka_${SCALA_VERSION}</artifactId>
      <version>${KAFKA_VERSION}</version>
      <exclusions>
${exclusions.join('\n')}
      </exclusions>
    </dependency>
    <dependency>
      <groupId>org.apache.logging.log4j</groupId>
      <artifactId>log4j-slf4j-impl</artifactId>
      <version>${LOG4J_BINDING_VERSION}</version>
    </dependency>
  </dependencies>
</project>
`;
}
