/** Runs `serverless package` on a copy of what it needs, with no way out to the network. */
import { cp, mkdir, mkdtemp, readFile, readdir, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from '../../infra/local/build.mjs';
import { run } from '../../lib/local/process/command.ts';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..', '..');

/** CloudFormation, as far as the tests look at it. */
export type Resource = { readonly Type: string; readonly Properties: Readonly<Record<string, unknown>> };
export type Template = { readonly Resources: Readonly<Record<string, Resource>> };

export type Packaged = {
  readonly template: Template;
  /** The template as text, to search in. */
  readonly text: string;
  readonly file: string;
  /** Sizes of the uploaded archives by file name [bytes]. */
  readonly folder: string;
};

export type Workspace = {
  readonly folder: string;
  /** Packages one variant; throws with what the framework said. */
  pack(name: string, args?: readonly string[]): Promise<Packaged>;
  close(): Promise<void>;
};

/** Builds the functions and copies serverless.yml with its pieces into a folder of its own. */
export async function serverlessWorkspace(): Promise<Workspace> {
  const folder = await mkdtemp(join(tmpdir(), 'penstock-serverless-'));
  await mkdir(join(folder, 'infra'));
  for (const path of ['serverless.yml', 'package.json', 'infra/serverless', 'infra/policies']) {
    await cp(join(ROOT, path), join(folder, path), { recursive: true });
  }
  await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  await build({ only: ['functions'], outDir: join(folder, 'dist') });
  return {
    folder,
    pack: (name, args = []) => pack(folder, { name, args }),
    close: () => rm(folder, { recursive: true, force: true }),
  };
}

async function pack(
  folder: string,
  { name, args }: { readonly name: string; readonly args: readonly string[] },
): Promise<Packaged> {
  const target = join(folder, `package-${name}`);
  const serverless = join(ROOT, 'node_modules', 'serverless', 'bin', 'serverless.js');
  // No credentials, no home to find some in, and every request would end at a closed port.
  const environment = [
    `PATH=${dirname(process.execPath)}:/usr/bin:/bin`,
    `HOME=${folder}`,
    'AWS_EC2_METADATA_DISABLED=true',
    'HTTP_PROXY=http://127.0.0.1:9',
    'HTTPS_PROXY=http://127.0.0.1:9',
  ];
  const command = ['env', '-i', ...environment, process.execPath, serverless, 'package', '--package', target, ...args];
  const { code, output } = await run(command, { cwd: folder, timeoutMs: 240_000 });
  if (code !== 0) throw new Error(`serverless package ended with ${code}: ${output}`);
  const file = join(target, 'cloudformation-template-update-stack.json');
  const text = await readFile(file, 'utf8');
  return { template: JSON.parse(text) as Template, text, file, folder: target };
}

/** Names of the files in a zip archive, from its central directory. */
export async function archiveEntries(file: string): Promise<string[]> {
  const bytes = await readFile(file);
  // End record: signature, count of entries at 10, offset of the directory at 16.
  const end = bytes.lastIndexOf('PK\x05\x06', undefined, 'latin1');
  const names: string[] = [];
  let at = bytes.readUInt32LE(end + 16);
  for (let entry = 0; entry < bytes.readUInt16LE(end + 10); entry++) {
    // Directory header: length of the name at 28, of extras at 30, of the comment at 32; the name at 46.
    const nameLength = bytes.readUInt16LE(at + 28);
    names.push(bytes.toString('utf8', at + 46, at + 46 + nameLength));
    at += 46 + nameLength + bytes.readUInt16LE(at + 30) + bytes.readUInt16LE(at + 32);
  }
  return names.toSorted();
}

/** The archives of a package. */
export async function archives(packaged: Packaged): Promise<string[]> {
  return (await readdir(packaged.folder)).filter((name) => name.endsWith('.zip')).toSorted();
}
