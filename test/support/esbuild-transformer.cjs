// Jest transformer: TypeScript to ESM with esbuild (ts-jest needs the compiler API that TypeScript 7 no longer has).
const { createHash } = require('node:crypto');
const esbuild = require('esbuild');

module.exports = {
  canInstrument: false,
  getCacheKey: (source, path) => createHash('sha256').update(esbuild.version).update(path).update(source).digest('hex'),
  process: (source, path, options) =>
    esbuild.transformSync(source, {
      sourcefile: path,
      loader: 'ts',
      format: options.supportsStaticESM ? 'esm' : 'cjs',
      target: 'node20',
      sourcemap: 'inline',
    }),
};
