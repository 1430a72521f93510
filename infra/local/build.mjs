// Bundles what is shipped: the CLI (ESM, split into chunks) and one file per Lambda function (CommonJS, because `.cjs` is what every way of running a
// function accepts, whatever package.json says). The same sources give the same bytes. Run: npm run build. As a module: build({ only, outDir, log }).
import { readdir, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as esbuild from 'esbuild';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..', '..');

/** Packages a function must not carry: it would pay for them at every cold start. Kafka clients are for notify only. */
export const FORBIDDEN = {
  ingest: [
    'kafkajs',
    '@kubernetes/client-node',
    '@aws-sdk/client-eks',
    '@aws-sdk/client-auto-scaling',
    '@aws-sdk/client-sns',
  ],
  evaluate: ['kafkajs'],
  actuate: ['kafkajs'],
  notify: ['@kubernetes/client-node', '@aws-sdk/client-eks'],
  api: [
    'kafkajs',
    '@kubernetes/client-node',
    '@aws-sdk/client-eks',
    '@aws-sdk/client-auto-scaling',
    '@aws-sdk/client-sns',
  ],
};

/** Largest bundle per function [bytes]: bigger means that something came in by accident. */
export const BYTES_MAX = { ingest: 1.5e6, evaluate: 3.5e6, actuate: 3.5e6, notify: 2.5e6, api: 2.5e6 };

const COMMON = {
  absWorkingDir: ROOT,
  bundle: true,
  metafile: true,
  platform: 'node',
  target: 'node20',
  logLevel: 'silent',
  legalComments: 'none',
  // Errors carry their class name into logs.
  keepNames: true,
};

/**
 * Builds into `outDir` (default `dist`) and returns `[{ name, file, bytes, inputs }]`. `only`: `['functions']`, `['cli']` or both.
 * Throws when a bundle does not build, is too large, or carries a forbidden package.
 */
export async function build({ only = ['functions', 'cli'], outDir = join(ROOT, 'dist'), log = () => {} } = {}) {
  const outputs = [];
  if (only.includes('functions')) outputs.push(...(await buildFunctions(join(outDir, 'functions'))));
  if (only.includes('cli')) outputs.push(...(await buildCli(outDir, log)));
  for (const { name, bytes, inputs } of outputs) {
    log(`${name.padEnd(22)} ${(bytes / 1000).toFixed(0).padStart(6)} kB  ${inputs} inputs`);
  }
  return outputs;
}

/** Names of the functions: the files of `functions/`. */
export async function functionNames() {
  const files = await readdir(join(ROOT, 'functions'));
  return files
    .filter((file) => file.endsWith('.ts'))
    .map((file) => basename(file, '.ts'))
    .toSorted();
}

async function buildFunctions(outDir) {
  await rm(outDir, { recursive: true, force: true });
  return Promise.all((await functionNames()).map((name) => buildFunction(name, outDir)));
}

async function buildFunction(name, outDir) {
  const file = join(outDir, `${name}.cjs`);
  const { metafile } = await esbuild.build({
    ...COMMON,
    entryPoints: [`functions/${name}.ts`],
    outfile: file,
    format: 'cjs',
    minify: true,
    // Beside the bundle for reading a stack trace; not packaged.
    sourcemap: 'external',
    // Optional accelerators that are loaded by `require` in a try block: pure JavaScript does without.
    external: ['msgpackr-extract', 'pino-pretty', 'bufferutil', 'utf-8-validate'],
  });
  const inputs = Object.keys(metafile.inputs);
  const bytes = (await stat(file)).size;
  checkFunction(name, { inputs, bytes });
  return { name, file, bytes, inputs: inputs.length, metafile };
}

function checkFunction(name, { inputs, bytes }) {
  for (const pack of FORBIDDEN[name] ?? []) {
    const found = inputs.find((input) => input.includes(`node_modules/${pack}/`));
    if (found !== undefined)
      throw new Error(`Cannot ship function "${name}": expected no ${pack}, current value is ${found}`);
  }
  const bytesMax = BYTES_MAX[name];
  if (bytesMax !== undefined && bytes > bytesMax) {
    throw new Error(`Cannot ship function "${name}": expected at most ${bytesMax} bytes, current value is ${bytes}`);
  }
}

/** Bundled with its packages: one of them needs an override to run on Node 20, which an installing project would not apply. */
async function buildCli(outDir, log) {
  const entry = join(ROOT, 'lib', 'cli', 'main.ts');
  if (!(await stat(entry).catch(() => undefined))) {
    log('lib/cli/main.ts does not exist: no CLI was built');
    return [];
  }
  await rm(join(outDir, 'chunks'), { recursive: true, force: true });
  const { metafile } = await esbuild.build({
    ...COMMON,
    entryPoints: { penstock: 'lib/cli/main.ts' },
    outdir: outDir,
    outExtension: { '.js': '.mjs' },
    chunkNames: 'chunks/[name]-[hash]',
    format: 'esm',
    splitting: true,
    minifySyntax: true,
    minifyWhitespace: true,
    external: ['msgpackr-extract', 'pino-pretty', 'bufferutil', 'utf-8-validate', 'playwright-core'],
    banner: {
      js: [
        '#!/usr/bin/env node',
        "import { createRequire as penstockCreateRequire } from 'node:module';",
        'const require = penstockCreateRequire(import.meta.url);',
      ].join('\n'),
    },
  });
  const outputs = Object.entries(metafile.outputs);
  const bytes = outputs.reduce((sum, [, output]) => sum + output.bytes, 0);
  const file = join(outDir, 'penstock.mjs');
  return [
    { name: `cli (${outputs.length} files)`, file, bytes, inputs: Object.keys(metafile.inputs).length, metafile },
  ];
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const only = process.argv.slice(2);
  await build({ log: (line) => console.log(line), ...(only.length > 0 ? { only } : {}) }).catch((error) => {
    console.error(error.message);
    process.exitCode = 1;
  });
}
