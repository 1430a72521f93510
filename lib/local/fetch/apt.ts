/** Debian and Ubuntu packages: installed by root, or unpacked into a private folder by anybody. */
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { runOrThrow } from './fetch.ts';

type AptOptions = { readonly signal?: AbortSignal | undefined };

/** Installs packages into the system. Needs root. */
export async function aptInstall(packages: readonly string[], options: AptOptions): Promise<void> {
  const quiet = ['env', 'DEBIAN_FRONTEND=noninteractive', 'apt-get', '-qq'];
  await runOrThrow([...quiet, 'update'], options);
  await runOrThrow([...quiet, 'install', '--yes', '--no-install-recommends', ...packages], options);
}

/** Unpacks `name` and whatever it needs that this system lacks into `folder/root`. Needs no root: apt keeps its state in
 *  `folder`, only the list of installed packages is the system's. Returns the folders with shared libraries. */
export async function aptUnpack(name: string, options: AptOptions & { folder: string }): Promise<string[]> {
  const { folder, signal } = options;
  const [state, cache, root] = [join(folder, 'state'), join(folder, 'cache'), join(folder, 'root')];
  await mkdir(join(state, 'lists', 'partial'), { recursive: true });
  await mkdir(join(cache, 'archives', 'partial'), { recursive: true });
  await mkdir(root);
  const places = ['-o', `Dir::State=${state}`, '-o', `Dir::Cache=${cache}`, '-o', 'Debug::NoLocking=1'];
  const apt = ['apt-get', ...places, '-o', 'APT::Sandbox::User='];
  await runOrThrow([...apt, '-qq', 'update'], { signal });
  const simulated = await runOrThrow([...apt, '--simulate', '--no-install-recommends', 'install', name], { signal });
  const packages = packagesToInstall(simulated);
  await runOrThrow([...apt, '-qq', 'download', ...packages], { signal, cwd: folder });
  for (const file of (await readdir(folder)).filter((entry) => entry.endsWith('.deb'))) {
    await runOrThrow(['dpkg-deb', '-x', join(folder, file), root], { signal });
    await rm(join(folder, file));
  }
  await rm(state, { recursive: true });
  await rm(cache, { recursive: true });
  return libraryFolders(root);
}

/** Names in the `Inst NAME (VERSION …)` lines of a simulated installation. */
export function packagesToInstall(simulated: string): string[] {
  return [...simulated.matchAll(/^Inst (\S+) /gm)].map((match) => match[1] ?? '');
}

/** Folders below `root` that hold shared libraries, relative to it. */
async function libraryFolders(root: string): Promise<string[]> {
  const files = await readdir(root, { recursive: true });
  const libraries = files.filter((file) => /(^|\/)lib\/.*\.so(\.\d+)*$/.test(file));
  return [...new Set(libraries.map((file) => file.slice(0, file.lastIndexOf('/'))))].toSorted();
}
