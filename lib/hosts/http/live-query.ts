/** Queries of the live page's routes. */
import { SHOWN, SORTS } from '../../loop/live/choose.ts';
import type { Choice } from '../../loop/live/choose.ts';

/** Nobody types more, and it is compared with every workload. */
const SEARCH_LENGTH_MAX = 100;
/** Names of workloads and ids of decisions are shorter [characters]. */
const SUBJECT_LENGTH_MAX = 253;
const PAGE_MAX = 100_000;

/** A query that says what no page asks for. */
export class BadQueryError extends Error {}

/** `search`, `show`, `sort`, `page`, each of which may be left out. Throws BadQueryError on any other value; other names are ignored. */
export function readChoice(query: string): Choice {
  const given = new URLSearchParams(query);
  const search = given.get('search') ?? '';
  if (search.length > SEARCH_LENGTH_MAX) throw bad('search', `at most ${SEARCH_LENGTH_MAX} characters`);
  const page = given.get('page') ?? '0';
  if (!/^\d{1,6}$/.test(page) || Number(page) > PAGE_MAX) throw bad('page', `an integer from 0 to ${PAGE_MAX}`);
  return {
    search,
    show: oneOf(given, { name: 'show', allowed: SHOWN }),
    sort: oneOf(given, { name: 'sort', allowed: SORTS }),
    page: Number(page),
  };
}

/** `of`: a workload or a decision id. Throws BadQueryError when it is left out or too long. */
export function readSubject(query: string): string {
  const subject = new URLSearchParams(query).get('of') ?? '';
  if (subject === '' || subject.length > SUBJECT_LENGTH_MAX) throw bad('of', 'a workload or a decision id');
  return subject;
}

/** The first that is allowed when it is left out. */
function oneOf<T extends string>(
  given: URLSearchParams,
  { name, allowed }: { readonly name: string; readonly allowed: readonly [T, ...T[]] },
): T {
  const text = given.get(name);
  if (text === null) return allowed[0];
  const found = allowed.find((value) => value === text);
  if (found === undefined) throw bad(name, `one of ${allowed.join(', ')}`);
  return found;
}

/** What was given is not repeated: it came from outside. */
function bad(name: string, expected: string): BadQueryError {
  return new BadQueryError(`Cannot read "${name}" of the query: expected ${expected}, current value is something else`);
}
