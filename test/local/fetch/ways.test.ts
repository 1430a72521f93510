import { describe, expect, test } from '@jest/globals';
import { packagesToInstall } from '../../../lib/local/fetch/apt.ts';
import { kafkaJarWays } from '../../../lib/local/kafka/jars.ts';
import { describeMachine, type Machine, probeMachine } from '../../../lib/local/fetch/machine.ts';
import { redisWays } from '../../../lib/local/redis/fetch.ts';
import { bare } from '../../support/bare-machine.ts';

describe('kafkaJarWays', () => {
  test('takes Maven first when Java is new enough, and Python as its fallback', () => {
    expect(kafkaJarWays({ ...bare, javaMajor: 17, hasMaven: true, python: 'pip' })).toEqual(['maven', 'python']);
  });

  test('leaves Maven out when Java is too old or missing', () => {
    expect(kafkaJarWays({ ...bare, javaMajor: 16, hasMaven: true, python: 'venv' })).toEqual(['python']);
    expect(kafkaJarWays({ ...bare, hasMaven: true, python: 'venv' })).toEqual(['python']);
  });

  test('installs with apt-get last, and only as root', () => {
    expect(kafkaJarWays({ ...bare, python: 'pip', hasApt: true, isRoot: true })).toEqual(['python', 'apt']);
    expect(kafkaJarWays({ ...bare, hasApt: true })).toEqual([]);
  });
});

describe('redisWays', () => {
  test('takes what is installed, then apt-get without root, then Python', () => {
    const all: Machine = {
      ...bare,
      redisServer: '/usr/bin/redis-server',
      hasApt: true,
      hasDpkgDeb: true,
      python: 'pip',
    };
    expect(redisWays(all)).toEqual(['path', 'apt', 'python']);
    expect(redisWays({ ...all, redisServer: undefined, hasDpkgDeb: false })).toEqual(['python']);
    expect(redisWays(bare)).toEqual([]);
  });
});

const answering = (answers: Readonly<Record<string, string>>) => (command: readonly string[]) => {
  const output = answers[command.join(' ')] ?? answers[command.at(-1) ?? ''];
  return Promise.resolve(output === undefined ? { code: 127, output: '' } : { code: 0, output });
};

const versionOf = async (banner: string) => (await probeMachine(answering({ 'java -version': banner }))).javaMajor;

describe('probeMachine', () => {
  test('reads the major version of old and new Java', async () => {
    expect(await versionOf('openjdk version "17.0.15" 2025-04-15')).toBe(17);
    expect(await versionOf('Picked up JAVA_TOOL_OPTIONS: -Xmx1g\njava version "1.8.0_402"')).toBe(8);
    expect(await versionOf('openjdk version "25" 2025-09-16')).toBe(25);
  });

  test('prefers pip to a venv, and Redis to Valkey', async () => {
    const both = { 'python3 -m pip --version': 'pip 23', 'redis-server': '/r/redis-server', 'valkey-server': '/v' };
    expect(await probeMachine(answering(both))).toMatchObject({ python: 'pip', redisServer: '/r/redis-server' });
    const lesser = { 'python3 -c import venv, ensurepip': '', 'valkey-server': '/v/valkey-server' };
    expect(await probeMachine(answering(lesser))).toMatchObject({ python: 'venv', redisServer: '/v/valkey-server' });
  });

  test('finds nothing on a bare machine', async () => {
    expect(await probeMachine(answering({}))).toEqual({ ...bare, isRoot: process.getuid?.() === 0 });
  });
});

test('describeMachine says what is there and what is missing', () => {
  expect(describeMachine({ ...bare, javaMajor: 11, hasApt: true, hasDpkgDeb: true })).toBe(
    'java 11, no mvn, no python3 with pip or venv, apt-get, not root',
  );
});

test('packagesToInstall reads the names out of a simulated installation', () => {
  const simulated = `The following NEW packages will be installed:
  liblzf1 redis-server
Inst liblzf1 (3.6-3 Debian:12 [amd64])
Inst redis-server (5:7.0.15 Debian:12 [amd64])
Conf liblzf1 (3.6-3 Debian:12 [amd64])`;
  expect(packagesToInstall(simulated)).toEqual(['liblzf1', 'redis-server']);
});
