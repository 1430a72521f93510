/** A real browser for tests of pages: found on the machine, else installed where that is possible, else the reason why there is none. */
import { execFile } from 'node:child_process';
import { access, constants } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { chromium } from 'playwright-core';
import type { Browser } from 'playwright-core';
import { messageOf } from '../../lib/base/errors.ts';

const run = promisify(execFile);

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
/** A slow mirror may take minutes; one that does not answer must not hold up the run for ever. */
const INSTALL_TIMEOUT_MS = 300_000;

export type Chromium =
  | { readonly kind: 'found'; readonly path: string }
  | { readonly kind: 'missing'; readonly reason: string };

let found: Promise<Chromium> | undefined;

/** Looks on the PATH, then tries `apt-get install` as root (once a process). Never throws: say the reason in what is skipped. */
export function findChromium(): Promise<Chromium> {
  found ??= findOrInstall();
  return found;
}

/** Starts a headless browser with a profile of its own, which goes when it is closed. */
export function launchChromium(path: string): Promise<Browser> {
  return chromium.launch({
    executablePath: path,
    headless: true,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
}

async function findOrInstall(): Promise<Chromium> {
  const there = await onPath();
  if (there !== undefined) return { kind: 'found', path: there };
  if (process.getuid?.() !== 0) return missing('no chromium on the PATH, and not root to install it');
  process.stderr.write('No chromium on the PATH: installing it with apt-get for the tests of pages\n');
  try {
    await install();
  } catch (error) {
    return missing(`apt-get could not install chromium: ${messageOf(error)}`);
  }
  const installed = await onPath();
  return installed === undefined ? missing('apt-get installed no chromium') : { kind: 'found', path: installed };
}

async function onPath(): Promise<string | undefined> {
  const folders = (process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== '');
  for (const path of NAMES.flatMap((name) => folders.map((folder) => join(folder, name)))) {
    const runs = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (runs) return path;
  }
  return undefined;
}

/** The lists of packages may be missing or old: then they are fetched and the installation is tried again. */
async function install(): Promise<void> {
  // Two workers at once wait for each other.
  const wait = ['-o', 'DPkg::Lock::Timeout=300'];
  const options = { timeout: INSTALL_TIMEOUT_MS, env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } };
  const packages = [...wait, 'install', '-y', '--no-install-recommends', 'chromium'];
  await run('apt-get', packages, options).catch(async () => {
    await run('apt-get', [...wait, 'update'], options);
    await run('apt-get', packages, options);
  });
}

function missing(reason: string): Chromium {
  return { kind: 'missing', reason };
}
