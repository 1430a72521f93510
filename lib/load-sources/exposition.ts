/** The Prometheus text format (also as OpenMetrics writes it): samples of the wanted metrics. */

export type Sample = {
  readonly name: string;
  readonly labels: ReadonlyMap<string, string>;
  /** Finite, or NaN and infinities as they were written. */
  readonly value: number;
};

export type Exposition = {
  readonly samples: readonly Sample[];
  /** Lines of wanted metrics that could not be understood; they don't cost the others. */
  readonly malformed: number;
};

const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*/;
const NUMBER = /^[+-]?(\d+\.?\d*([eE][+-]?\d+)?|\.\d+([eE][+-]?\d+)?)$/;
/** `name="` of one label; blanks are allowed around each part. */
const LABEL = /[ \t]*([a-zA-Z_][a-zA-Z0-9_]*)[ \t]*=[ \t]*"/y;

/** Labels of one series: more than any real one has. */
const LABELS_MAX = 64;

/** Reads the lines whose metric name `isWanted`; comments, other metrics, timestamps and exemplars are passed over. Linear in the text. */
export function parseExposition(text: string, isWanted: (name: string) => boolean): Exposition {
  const samples: Sample[] = [];
  let malformed = 0;
  for (let from = 0; from < text.length;) {
    const newline = text.indexOf('\n', from);
    const to = newline === -1 ? text.length : newline;
    const line = text.slice(from, to).trim();
    from = to + 1;
    if (line === '' || line.startsWith('#')) continue;
    const [name] = NAME.exec(line) ?? [];
    if (name === undefined || !isWanted(name)) continue;
    const sample = sampleOf(name, line);
    if (sample === undefined) malformed++;
    else samples.push(sample);
  }
  return { samples, malformed };
}

function sampleOf(name: string, line: string): Sample | undefined {
  const labels = new Map<string, string>();
  let at = name.length;
  while (line[at] === ' ' || line[at] === '\t') at++;
  if (line[at] === '{') {
    const end = readLabels(line, { at: at + 1, into: labels });
    if (end === undefined) return undefined;
    at = end;
  } else if (at === name.length) return undefined;
  const [word = ''] = line
    .slice(at)
    .trim()
    .split(/[ \t]+/, 1);
  const value = numberOf(word);
  return value === undefined ? undefined : { name, labels, value };
}

/** Fills `into` and returns the position after `}`; undefined when this is no list of labels. */
function readLabels(
  line: string,
  { at, into }: { readonly at: number; readonly into: Map<string, string> },
): number | undefined {
  let position = at;
  while (into.size <= LABELS_MAX) {
    while (line[position] === ' ' || line[position] === '\t') position++;
    if (line[position] === '}') return position + 1;
    LABEL.lastIndex = position;
    const [, name] = LABEL.exec(line) ?? [];
    if (name === undefined) return undefined;
    const value = readQuoted(line, LABEL.lastIndex);
    if (value === undefined) return undefined;
    into.set(name, value.text);
    position = value.end;
    while (line[position] === ' ' || line[position] === '\t') position++;
    if (line[position] === ',') position++;
    else if (line[position] !== '}') return undefined;
  }
  return undefined;
}

/** The text up to the closing quote, with `\\`, `\"` and `\n` resolved (any other escape stands for itself), and the position after it. */
function readQuoted(line: string, from: number): { readonly text: string; readonly end: number } | undefined {
  let text = '';
  for (let at = from; at < line.length; at++) {
    const character = line[at];
    if (character === '"') return { text, end: at + 1 };
    if (character !== '\\') {
      text += character;
      continue;
    }
    const next = line[++at];
    if (next === undefined) return undefined;
    text += next === 'n' ? '\n' : next === '\\' || next === '"' ? next : `\\${next}`;
  }
  return undefined;
}

function numberOf(word: string): number | undefined {
  if (NUMBER.test(word)) return Number(word);
  if (/^nan$/i.test(word)) return NaN;
  const [, sign] = /^([+-]?)inf(inity)?$/i.exec(word) ?? [];
  if (sign === undefined) return undefined;
  return sign === '-' ? -Infinity : Infinity;
}
