/** All objects of a kind, kept by list and watch: current within seconds, and honest about how current. Why not the library's: docs/adr/0010. */
import type { Clock } from '../../base/clock.ts';
import { NotFoundError, TransientError, messageOf } from '../../base/errors.ts';
import type { PenstockError } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import type { Random } from '../../base/random.ts';
import { recordOf, textOf } from '../json-values.ts';
import type { JsonRecord } from '../json-values.ts';
import { isExpired, isForbidden, kubernetesError } from './errors.ts';
import { RAW_PAGE_ITEMS_MAX, eachListed, newestVersion } from './list.ts';
import { isNewer } from './own-writes.ts';
import type { CollectionRef } from './own-writes.ts';
import * as pace from './pace.ts';
import { unproven } from './proof.ts';
import { watchOnce } from './watch.ts';
import type { WatchEvent } from './watch.ts';
import type { KubernetesClient } from './client.ts';

/** What is seen of a collection. */
export type Seen<T> = {
  /** The same array as before when nothing has changed. */
  readonly items: readonly T[];
  /** Everything that changed until then is in it [epoch ms]; later changes may be missing. */
  readonly asOfMs: number;
};

/** What all collections of a view share. */
export type WatchDeps = {
  readonly client: KubernetesClient;
  readonly clock: Clock;
  readonly log: Logger;
  /** For jitter. */
  readonly random: Random;
  readonly pace?: pace.Pace;
};

export type CollectionOptions<T> = {
  /** What it is, after `list` and `watch`: `the pods of all namespaces`. */
  readonly what: string;
  /** Path of the list: `/api/v1/namespaces/inference/pods`. */
  readonly path: string;
  /** Selectors. */
  readonly query?: Readonly<Record<string, string>>;
  /** What is kept of an object; everything else is forgotten at once. */
  readonly keep: (object: JsonRecord) => T;
  /** Where writes of ours must be in it before it is read. */
  readonly ownWrites?: CollectionRef;
  /** Where it may not be watched, a list serves everybody who reads for so long [ms]; default 0: every `read` lists. */
  readonly listKeptMs?: number;
  /** Pause after a list that was refused, or of a kind that is not there [ms]; default {@link pace.REFUSED_MS}. */
  readonly refusedMs?: number;
};

type Kept<T> = { readonly version: string; readonly kept: T };

/** Starts at once and goes on until it is closed. Where it may not be watched every `read` lists, which is logged once. */
export class WatchedCollection<T> {
  readonly #deps: WatchDeps;
  readonly #of: CollectionOptions<T>;
  readonly #pace: pace.Pace;
  readonly #closing = new AbortController();
  readonly #running: Promise<void>;
  readonly #changed = new Set<() => void>();
  readonly #proof;
  #objects = new Map<string, Kept<T>>();
  #items: readonly T[] | undefined;
  /** Everything up to this version is known; undefined: it is to be listed. */
  #position: string | undefined;
  #lastError: PenstockError | undefined;
  #isTried = false;
  #isWatchable = true;
  /** It was watched since it was last said. */
  #isWatched = false;
  /** The next proof is wanted soon. */
  #isQuick = true;
  /** By a bookmark of this watch. */
  #isSettled = false;
  #stalls = 0;
  #relisting = new AbortController();
  #listing: Promise<Seen<T>> | undefined;
  #listed: { readonly seen: Seen<T>; readonly sentMs: number } | undefined;

  constructor(deps: WatchDeps, of: CollectionOptions<T>) {
    this.#deps = deps;
    this.#of = of;
    this.#pace = deps.pace ?? pace.PACE;
    this.#proof = unproven(deps.clock);
    this.#running = this.#run();
  }

  /**
   * Waits for the first list, and a moment for what we wrote ourselves. Throws the error of the list where there never was one; TransientError when for
   * `ageMsMax` nothing proved that it is still current, or while a write of ours is not in it.
   */
  async read(): Promise<Seen<T>> {
    const { clock } = this.#deps;
    await this.#until(() => this.#isTried, pace.FIRST_LIST_MS_MAX);
    if (!this.#isWatchable) return this.#listNow();
    const { what } = this.#of;
    if (this.#proof.ageMs() === undefined) {
      if (this.#lastError !== undefined) throw this.#lastError;
      throw new TransientError(
        `Cannot list ${what}: expected all of it within ${pace.FIRST_LIST_MS_MAX / 1000} s, current value is a part`,
      );
    }
    await this.#seeOwnWrites();
    const ageMs = this.#proof.ageMs() ?? Infinity;
    if (ageMs > this.#pace.ageMsMax) throw this.#tooOld(ageMs);
    this.#items ??= [...this.#objects.values()].map(({ kept }) => kept);
    return { items: this.#items, asOfMs: clock.nowMs() - ageMs };
  }

  /** `lists`: it may not be watched. */
  mode(): 'watches' | 'lists' {
    return this.#isWatchable ? 'watches' : 'lists';
  }

  async close(): Promise<void> {
    this.#closing.abort();
    this.#relisting.abort();
    this.#tell();
    await this.#running;
  }

  async #run(): Promise<void> {
    for (let failures = 0; !this.#closing.signal.aborted;) {
      try {
        if (this.#position === undefined) await this.#list();
        this.#tried();
        if (this.#position !== undefined) await this.#watch(this.#position);
        failures = 0;
      } catch (error) {
        failures += 1;
        await this.#recover(kubernetesError(`watch ${this.#of.what}`, error), failures);
      }
    }
    this.#tried();
  }

  async #list(): Promise<void> {
    const { client, clock } = this.#deps;
    const sentMs = clock.monotonicMs();
    const next = new Map<string, Kept<T>>();
    const written = this.#written();
    const request = { ...this.#request('list'), clock, signal: this.#closing.signal };
    const version = await eachListed(client, request, (object) => {
      const { key, version: of } = identityOf(object);
      const known = this.#objects.get(key);
      // What has not changed is kept once, also while both lists are in memory.
      next.set(key, known !== undefined && known.version === of ? known : { version: of, kept: this.#of.keep(object) });
    });
    // A store that lacks what it had written before it was asked was set back, from a backup: what it says now counts.
    if (written !== undefined && isNewer(written, version)) this.#forgetWrites(written);
    this.#objects = next;
    this.#items = undefined;
    this.#position = version;
    this.#prove(version, sentMs);
    this.#isQuick = true;
  }

  async #watch(from: string): Promise<void> {
    const { client, clock, random } = this.#deps;
    const { watchSec, quickSec } = this.#pace;
    const usualSec = Math.max(quickSec, Math.round(watchSec * (1 - pace.JITTER_RATIO * random())));
    const seconds = this.#isQuick ? quickSec : usualSec;
    const openedMs = clock.monotonicMs();
    this.#isQuick = true;
    this.#isSettled = false;
    this.#relisting = new AbortController();
    if (this.#closing.signal.aborted) return;
    let isOpen = false;
    try {
      await watchOnce(client, {
        ...this.#request('watch'),
        from,
        seconds,
        clock,
        signal: this.#relisting.signal,
        onOpen: () => {
          isOpen = true;
          this.#opened();
        },
        onEvent: (event) => {
          // Bytes may have been long on their way: what counts is when they were sent at the earliest.
          const sentMs = openedMs + Math.max(0, seconds * 1000 - pace.BOOKMARK_EARLY_MS);
          this.#apply(event, Math.min(clock.monotonicMs(), sentMs));
        },
      });
    } finally {
      // Where watches open but bring no proof for so long (no bookmarks, a cache behind the list that we had), a list does.
      if (isOpen && (this.#proof.ageMs() ?? 0) > pace.UNPROVEN_MS) this.#position = undefined;
    }
    // A server that ends watches at once is not asked again at once.
    const isTooSoon = clock.monotonicMs() - openedMs < pace.RETRY_MS_MIN;
    if (isTooSoon) await clock.sleep(pace.RETRY_MS_MIN, this.#closing.signal);
  }

  #opened(): void {
    this.#isWatchable = true;
    if (this.#isWatched) return;
    this.#isWatched = true;
    this.#deps.log.info('is watched', { what: this.#of.what, objects: this.#objects.size });
  }

  #apply({ type, version, object }: WatchEvent, sentMs: number): void {
    if (version === '') return;
    if (type === 'BOOKMARK') {
      this.#position = version;
      if (version !== this.#proof.version()) this.#prove(version, sentMs);
      // The server sends a second one just before the end, which mostly says the same.
      else if (!this.#isSettled) void this.#confirm(version).catch(nothing);
      this.#isSettled = true;
    } else {
      const { key } = identityOf(object);
      if (type === 'DELETED') this.#objects.delete(key);
      else this.#objects.set(key, { version, kept: this.#of.keep(object) });
      this.#items = undefined;
      // Last: what could not be kept is to come again.
      this.#position = version;
    }
    this.#tell();
  }

  #prove(version: string, sinceMs: number): void {
    this.#proof.prove(version, sinceMs);
    this.#stalls = 0;
    this.#lastError = undefined;
    this.#isQuick = false;
  }

  /** A server whose cache stands still sends bookmarks, too. The store itself proves whether there is nothing new. */
  async #confirm(version: string): Promise<void> {
    const sentMs = this.#deps.clock.monotonicMs();
    const newest = await newestVersion(this.#deps.client, this.#request('list'));
    // Of versions that cannot be compared, and an answer without one, nothing is known.
    const isCurrent = newest === version || isNewer(version, newest) || (await this.#holdsAllOfTheStore());
    // Something newer is proven meanwhile.
    if (this.#proof.version() !== version) return;
    if (isCurrent) return this.#prove(version, sentMs);
    this.#stalls += 1;
    if (this.#stalls < pace.STALLS_MAX) return;
    this.#deps.log.warn('watch stood still, listed anew', { what: this.#of.what, version, newest });
    this.#position = undefined;
    this.#relisting.abort();
  }

  /**
   * The version of a store moves with every kind in it, and a server that hears of that only every ten minutes (the default of etcd) says of a quiet kind what it said before:
   * where one page holds the kind, its objects themselves are compared.
   */
  async #holdsAllOfTheStore(): Promise<boolean> {
    if (this.#objects.size > RAW_PAGE_ITEMS_MAX) return false;
    const { client, clock } = this.#deps;
    let [count, isSame] = [0, true];
    await eachListed(client, { ...this.#request('list'), clock, signal: this.#closing.signal }, (object) => {
      const { key, version } = identityOf(object);
      count += 1;
      isSame &&= this.#objects.get(key)?.version === version;
    });
    return isSame && count === this.#objects.size;
  }

  /** Waits as long as it is of use; what happened is said by the next `read`, when it matters then. */
  async #recover(error: PenstockError, failures: number): Promise<void> {
    const { clock, log } = this.#deps;
    const { signal } = this.#closing;
    const wasListed = this.#position !== undefined;
    this.#lastError = error;
    // A kind that is not there any more is asked for once more by a list, then it is as if it had never been there.
    if (isExpired(error) || error instanceof NotFoundError) this.#position = undefined;
    if (!wasListed && isRefused(error)) this.#forget();
    const mayNotWatch = wasListed && isForbidden(error);
    if (mayNotWatch) {
      if (this.#isWatchable)
        log.warn('may not watch, lists at every look', { what: this.#of.what, error: error.message });
      this.#isWatchable = false;
      this.#isWatched = false;
      this.#forget();
    }
    if (!this.#isTried) log.debug('could not be listed', { what: this.#of.what, error: error.message });
    this.#tried();
    // What the server has forgotten is listed at once; when that goes on it waits like everything else.
    if (isExpired(error) && failures === 1) return;
    await clock.sleep(this.#isWatchable ? this.#pauseMs(error, { failures, wasListed }) : pace.NO_WATCH_MS, signal);
  }

  #pauseMs(error: PenstockError, of: { readonly failures: number; readonly wasListed: boolean }): number {
    if (isRefused(error) && !of.wasListed) return this.#of.refusedMs ?? pace.REFUSED_MS;
    const fullMs = Math.min(pace.RETRY_MS_MAX, pace.RETRY_MS_MIN * 2 ** Math.min(of.failures - 1, 10));
    return Math.max(error.retryAfterMs ?? 0, fullMs * (1 - this.#deps.random() / 2));
  }

  #forget(): void {
    this.#position = undefined;
    this.#objects = new Map();
    this.#items = undefined;
    this.#proof.forget();
  }

  /** One list at a time, whoever asks. */
  async #listNow(): Promise<Seen<T>> {
    const { client, clock } = this.#deps;
    const kept = this.#listed;
    if (kept !== undefined && clock.monotonicMs() - kept.sentMs < (this.#of.listKeptMs ?? 0)) return kept.seen;
    const list = async (): Promise<Seen<T>> => {
      const [asOfMs, sentMs] = [clock.nowMs(), clock.monotonicMs()];
      const items: T[] = [];
      const request = { ...this.#request('list'), clock, signal: this.#closing.signal };
      await eachListed(client, request, (object) => void items.push(this.#of.keep(object)));
      if (this.#of.listKeptMs !== undefined) this.#listed = { seen: { items, asOfMs }, sentMs };
      return { items, asOfMs };
    };
    this.#listing ??= list().finally(() => {
      this.#listing = undefined;
    });
    return this.#listing;
  }

  async #seeOwnWrites(): Promise<void> {
    const { what } = this.#of;
    const written = this.#written();
    const isSeen = (): boolean =>
      written === undefined || (this.#position !== undefined && !isNewer(written, this.#position));
    await this.#until(isSeen, pace.OWN_WRITE_MS_MAX);
    if (isSeen()) return;
    throw new TransientError(
      `Cannot see ${what}: expected our own write at version ${written ?? ''}, current value is version ${this.#position ?? 'none'}`,
    );
  }

  #written(): string | undefined {
    const { ownWrites } = this.#of;
    return ownWrites === undefined ? undefined : this.#deps.client.ownWrites.newest(ownWrites);
  }

  #forgetWrites(upTo: string): void {
    const { ownWrites } = this.#of;
    if (ownWrites !== undefined) this.#deps.client.ownWrites.forget(ownWrites, upTo);
  }

  #tooOld(ageMs: number): TransientError {
    const because = this.#lastError === undefined ? '' : `: ${messageOf(this.#lastError)}`;
    return new TransientError(
      `Cannot see ${this.#of.what}: expected proof within ${this.#pace.ageMsMax / 1000} s that no change was missed, current value is ${Math.round(ageMs / 1000)} s without${because}`,
      { cause: this.#lastError },
    );
  }

  #request(verb: 'list' | 'watch') {
    const { what, path, query = {} } = this.#of;
    return { what: `${verb} ${what}`, path, query };
  }

  #tried(): void {
    this.#isTried = true;
    this.#tell();
  }

  #tell(): void {
    for (const tell of this.#changed) tell();
  }

  /** Until the condition holds, at most so long. */
  async #until(condition: () => boolean, msMax: number): Promise<void> {
    if (condition()) return;
    const over = new AbortController();
    const check = (): void => {
      if (condition() || this.#closing.signal.aborted) over.abort();
    };
    this.#changed.add(check);
    await this.#deps.clock.sleep(msMax, over.signal);
    this.#changed.delete(check);
  }
}

/** The list itself: we may not, or there is no such kind. */
function isRefused(error: PenstockError): boolean {
  return isForbidden(error) || error instanceof NotFoundError;
}

function identityOf(object: JsonRecord): { readonly key: string; readonly version: string } {
  const { namespace, name, resourceVersion } = recordOf(object['metadata']);
  return { key: `${textOf(namespace)}/${textOf(name)}`, version: textOf(resourceVersion) };
}

const nothing = (): void => {};
