/** Types of `build.mjs`, for the tests that build first. */
export type BuildOutput = {
  readonly name: string;
  readonly file: string;
  readonly bytes: number;
  readonly inputs: number;
  readonly metafile: { readonly inputs: Readonly<Record<string, unknown>> };
};

export type BuildOptions = {
  readonly only?: readonly ('functions' | 'cli')[];
  readonly outDir?: string;
  readonly log?: (line: string) => void;
};

export const FORBIDDEN: Readonly<Record<string, readonly string[]>>;
export const BYTES_MAX: Readonly<Record<string, number>>;
export function build(options?: BuildOptions): Promise<readonly BuildOutput[]>;
export function functionNames(): Promise<readonly string[]>;
export function buildCli(options?: { readonly outDir?: string }): Promise<string>;
export function buildBench(name?: string): Promise<string>;
