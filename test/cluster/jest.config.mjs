/** The cluster tier (`npm run test:cluster`): the same adapters on a real Kubernetes control plane, started once by the global set-up in this process. */
export default {
  rootDir: '../..',
  testEnvironment: 'node',
  roots: ['<rootDir>/test/cluster'],
  // Not `.test.ts`: `npm test` needs no Go and must not find them.
  testMatch: ['**/*.cluster.ts'],
  extensionsToTreatAsEsm: ['.ts'],
  transform: { '^.+\\.ts$': '<rootDir>/test/support/esbuild-transformer.cjs' },
  globalSetup: '<rootDir>/test/cluster/global-setup.ts',
  globalTeardown: '<rootDir>/test/support/global-teardown.ts',
  reporters: ['default', '<rootDir>/test/support/count-reporter.mjs'],
  // Only ends a test that hangs, as in `npm test`.
  testTimeout: 300_000,
  maxWorkers: 2,
};
