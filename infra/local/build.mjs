// Bundles what is shipped: the CLI (ESM, split into chunks) and one file per Lambda function (CommonJS, because `.cjs` is what every way of running a
// function accepts, whatever package.json says). The same sources give the same bytes. Run: npm run build. As a module: build({ only, outDir, log }).
import { mkdir, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as esbuild from 'esbuild';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const DIST = join(ROOT, 'dist');
const CLI_ENTRY = 'lib/cli/main.ts';
/** Started by `penstock simulate` as worker threads. */
const WORKER_ENTRY = 'lib/simulator/replay/worker.ts';

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
export const BYTES_MAX = { ingest: 1.5e6, evaluate: 7e6, actuate: 7e6, notify: 3.5e6, api: 3.5e6 };

/** Loaded late or in a try block, and done without: accelerators, and the native LZ4 codec (the functions write uncompressed). */
const OPTIONAL = ['msgpackr-extract', 'pino-pretty', 'bufferutil', 'utf-8-validate', '@2l/kafkajs-lz4'];

/**
 * Packages that our code loads late, by name: in an ES bundle that is split, a CommonJS package that is imported dynamically has a default export and
 * nothing else. A module between them names what Node would have named.
 */
const LATE_WITH_NAMES = {
  name: 'late-packages-with-names',
  setup(builder) {
    const outside = new Set(builder.initialOptions.external);
    builder.onResolve({ filter: /^(@[^/]+\/)?[^./@][^/:]*$/ }, ({ path, kind, importer }) =>
      kind === 'dynamic-import' && !importer.includes('node_modules') && !outside.has(path)
        ? { path, namespace: 'late' }
        : undefined,
    );
    builder.onLoad({ filter: /./, namespace: 'late' }, async ({ path }) => {
      const names = Object.keys(await import(path)).filter((name) => /^\w+$/.test(name) && name !== 'default');
      const contents = `import * as all from '${path}';\nexport const { ${names.join(', ')} } = all;\n`;
      return { contents, resolveDir: ROOT };
    });
  },
};

/** CommonJS packages inside an ES module still call `require` for Node's own modules. */
const REQUIRE_IN_ESM = [
  "import { createRequire as penstockCreateRequire } from 'node:module';",
  'const require = penstockCreateRequire(import.meta.url);',
].join('\n');

/** BullMQ's second backend, for PostgreSQL: 0.4 MB that nothing here calls, and nothing else of the package asks for. */
const WITHOUT_POSTGRES = {
  name: 'bullmq-without-postgres',
  setup(builder) {
    builder.onResolve({ filter: /^\.\/postgres$/ }, ({ importer }) =>
      importer.includes(join('node_modules', 'bullmq'))
        ? { path: 'postgres', namespace: 'nothing', sideEffects: false }
        : undefined,
    );
    builder.onLoad({ filter: /./, namespace: 'nothing' }, () => ({ contents: '' }));
  },
};

const COMMON = {
  absWorkingDir: ROOT,
  plugins: [WITHOUT_POSTGRES],
  bundle: true,
  metafile: true,
  platform: 'node',
  target: 'node20',
  logLevel: 'silent',
  legalComments: 'none',
  // Errors carry their class name into logs, and libraries compare it.
  keepNames: true,
};

/**
 * Builds into `outDir` (default `dist`) and returns `[{ name, file, bytes, inputs }]`. `only`: `['functions']`, `['cli']` or both.
 * Throws when a bundle does not build, is too large, or carries a forbidden package.
 */
export async function build({ only = ['functions', 'cli'], outDir = DIST, log = () => {} } = {}) {
  const outputs = [];
  if (only.includes('functions')) outputs.push(...(await buildFunctions(join(outDir, 'functions'))));
  if (only.includes('cli')) outputs.push(...(await bundleCli(outDir, log)));
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
    minifySyntax: true,
    minifyWhitespace: true,
    // Measured: renamed identifiers save a quarter of the bytes and cost 20 to 40 ms of init. Ingest has a size to keep.
    minifyIdentifiers: name === 'ingest',
    // Beside the bundle for reading a stack trace; not packaged.
    sourcemap: 'external',
    external: [
      ...OPTIONAL,
      // 226 kB for the few installations that keep secrets in SSM: loaded from the runtime, which brings it, when one is read.
      '@aws-sdk/client-ssm',
    ],
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

/** Builds the CLI and returns the path of its entry. Throws when it does not exist or does not build. */
export async function buildCli({ outDir = DIST } = {}) {
  const [output] = await bundleCli(outDir, (line) => {
    throw new Error(line);
  });
  return output.file;
}

/** Bundled with its packages: one of them needs an override to run on Node 20, which an installing project would not apply. */
async function bundleCli(outDir, whenMissing) {
  if (!(await stat(join(ROOT, CLI_ENTRY)).catch(() => undefined))) {
    whenMissing(`${CLI_ENTRY} does not exist: no CLI was built`);
    return [];
  }
  const { metafile, outputFiles } = await esbuild.build({
    ...COMMON,
    entryPoints: { penstock: CLI_ENTRY, 'replay-worker': WORKER_ENTRY },
    outdir: outDir,
    outExtension: { '.js': '.mjs' },
    chunkNames: 'chunks/[name]-[hash]',
    format: 'esm',
    splitting: true,
    plugins: [...COMMON.plugins, LATE_WITH_NAMES],
    minifySyntax: true,
    minifyWhitespace: true,
    external: [...OPTIONAL, 'playwright-core'],
    banner: { js: REQUIRE_IN_ESM },
    write: false,
  });
  const outputs = Object.entries(metafile.outputs);
  const bytes = outputs.reduce((sum, [, output]) => sum + output.bytes, 0);
  const file = join(outDir, 'penstock.mjs');
  await writeCli({ outDir, file, outputFiles });
  return [
    { name: `cli (${outputs.length} files)`, file, bytes, inputs: Object.keys(metafile.inputs).length, metafile },
  ];
}

/** Chunks first, then what starts them, each at once: a build that is interrupted leaves the CLI of the build before. */
async function writeCli({ outDir, file, outputFiles }) {
  const chunks = join(outDir, 'chunks');
  await mkdir(chunks, { recursive: true });
  const isChunk = ({ path }) => dirname(path) === chunks;
  for (const output of outputFiles.filter(isChunk)) await writeFile(output.path, output.contents);
  for (const { path, contents } of outputFiles.filter((output) => !isChunk(output))) {
    // The command only: nothing else is started by name.
    const text = path === file ? Buffer.concat([Buffer.from('#!/usr/bin/env node\n'), contents]) : contents;
    await writeFile(`${path}.new`, text, { mode: path === file ? 0o755 : 0o644 });
    await rename(`${path}.new`, path);
  }
  const kept = new Set(outputFiles.map(({ path }) => basename(path)));
  for (const name of await readdir(chunks)) if (!kept.has(name)) await rm(join(chunks, name));
}

/** Bundles `test/bench/NAME.ts` (default `main`) into `dist/bench/NAME.mjs`, packages left outside, and returns that path. */
export async function buildBench(name = 'main') {
  const file = join(DIST, 'bench', `${name}.mjs`);
  await esbuild.build({
    ...COMMON,
    entryPoints: [`test/bench/${name}.ts`],
    outfile: file,
    format: 'esm',
    packages: 'external',
    sourcemap: 'inline',
    // Finds the sources by its own place, which is as deep below the root as the bundle's.
    external: ['*/infra/local/build.mjs'],
  });
  return file;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const only = process.argv.slice(2);
  await build({ log: (line) => console.log(line), ...(only.length > 0 ? { only } : {}) }).catch((error) => {
    console.error(error.message);
    process.exitCode = 1;
  });
}
