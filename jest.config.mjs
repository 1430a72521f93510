// The SDK's advice to upgrade Node is for whoever deploys: here it only hides what a test says. Workers inherit this.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';

/** One Jest run for everything: real Kafka and Redis are started once by the global set-up. */
export default {
  testEnvironment: 'node',
  roots: ['<rootDir>/test'],
  testMatch: ['**/*.test.ts'],
  extensionsToTreatAsEsm: ['.ts'],
  transform: { '^.+\\.ts$': '<rootDir>/test/support/esbuild-transformer.cjs' },
  globalSetup: '<rootDir>/test/support/global-setup.ts',
  globalTeardown: '<rootDir>/test/support/global-teardown.ts',
  reporters: ['default', '<rootDir>/test/support/count-reporter.mjs'],
  // Only ends a test that hangs. What takes 10 s on a quiet machine takes minutes beside twenty busy processes.
  testTimeout: 300_000,
  maxWorkers: 2,
};
