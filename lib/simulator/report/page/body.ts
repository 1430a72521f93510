/** The page's HTML without its charts: what can be read without a script. */
import { figureColumns } from '../columns.ts';
import type { FigureColumn } from '../columns.ts';
import { count, decimal, duration, percentDown, requestCountText } from '../format.ts';
import { OPTIMUM, PENSTOCK, isYardstick, policiesByCost } from '../policies.ts';
import type { NamedPolicy } from '../policies.ts';
import { capacityWaitText, repeatCommand } from '../repeat.ts';
import { summarySentence } from '../summary.ts';
import type { ReplayReport } from '../types.ts';
import { escapeHtml as text } from './escape.ts';

/** Everything inside `<body>` but the scripts. Every value that comes from outside is escaped. */
export function bodyHtml(report: ReplayReport): string {
  return [header(report), timeline(report), scatter(report), figures(report), settings(report), meanings(report)].join(
    '\n',
  );
}

function header(report: ReplayReport): string {
  const { trace, settings: used } = report;
  const facts = [
    `${duration(trace.durationSec)} of traffic`,
    `${count(trace.requestCount)} requests`,
    `lead time ${decimal(used.leadTimeSec, 0)} s`,
    `SLO wait ${used.sloWaitSec} s`,
    `replica class ${used.replicaClass}`,
    `engine ${used.engine}`,
  ];
  return `<header>
<div class="top"><p class="kicker">Penstock replay</p><button type="button" id="theme" aria-pressed="false">Dark</button></div>
<h1>${text(trace.file)}</h1>
<p class="facts">${facts.map((fact) => `<span>${text(fact)}</span>`).join(' ')}</p>
<p class="headline" id="headline">${unbroken(text(summarySentence(report)))}</p>
${keyFigures(report)}
<noscript><p class="note">The charts need JavaScript; the table below has all figures.</p></noscript>
</header>`;
}

/** A number and its unit stay on one line. */
function unbroken(html: string): string {
  return html.replaceAll(/(\d) (?=[%×])/g, '$1&nbsp;').replaceAll('× ', '×&nbsp;');
}

function keyFigures(report: ReplayReport): string {
  const own = report.policies[PENSTOCK];
  if (own === undefined) return '';
  const tiles = [
    [
      'GPU-hours',
      decimal(own.gpuHours, own.gpuHours < 100 ? 2 : 0),
      `${decimal(own.ratioToOptimum, 2)} × optimum, ${decimal(own.ratioToWindowRule, 2)} × window rule`,
    ],
    ['Cost', `${decimal(own.costUsd, own.costUsd < 1000 ? 2 : 0)} USD`, 'from launch to end of drain'],
    ['Within SLO', `${percentDown(own.sloAttainmentRatio)} %`, `${requestCountText(own.sloMissCount)} misses`],
    ['Wait p99', `${decimal(own.waitSec.p99, 2)} s`, `longest ${decimal(own.waitSec.max, 1)} s`],
  ];
  const items = tiles.map(
    ([name = '', value = '', more = '']) =>
      `<div><dt>${text(name)}</dt><dd><b>${text(value)}</b> <span>${text(more)}</span></dd></div>`,
  );
  return `<dl class="key" aria-label="Penstock's figures">${items.join('')}</dl>`;
}

function timeline(report: ReplayReport): string {
  return `<section aria-labelledby="timeline-title">
<h2 id="timeline-title">Load and ready capacity over time</h2>
<p class="note">Grey area: offered work, in replicas. Lines: ready replicas of each policy. Below, one lane per policy: requests that waited longer than ${text(String(report.settings.sloWaitSec))} s.</p>
<div class="legend" id="legend" role="group" aria-label="Policies shown"></div>
<div class="tools no-print" role="toolbar" aria-label="Time axis">
<button type="button" id="zoom-in" aria-label="Zoom in">+</button><button type="button" id="zoom-out" aria-label="Zoom out">−</button><button type="button" id="pan-left" aria-label="Earlier">←</button><button type="button" id="pan-right" aria-label="Later">→</button><button type="button" id="zoom-reset">Whole time</button>
<output id="range" aria-live="polite"></output>
</div>
<div class="chart" id="timeline"></div>
<p class="hint no-print" id="timeline-hint">Drag to zoom, double-click for the whole time. Wheel: with Ctrl, or after a click on the chart. Keys: + and − zoom, ← and → move, Shift with ← and → reads values, 0 shows the whole time.</p>
</section>`;
}

function scatter(report: ReplayReport): string {
  const best =
    report.policies[OPTIMUM] === undefined
      ? ''
      : ' The dashed line is the optimum: the least that serves everything in time, knowing the future.';
  const swept = Object.keys(report.policies).some((name) => name.startsWith(`${PENSTOCK}:`));
  const frontier = swept ? ' The blue line joins Penstock at its settings of <code>risk</code>.' : '';
  return `<section aria-labelledby="scatter-title">
<h2 id="scatter-title">Cost against misses</h2>
<p class="note">Each mark is a policy over the whole replay. Left is cheaper, down is fewer misses.${best}${frontier}</p>
<div class="chart" id="scatter"></div>
</section>`;
}

function figures(report: ReplayReport): string {
  const policies = policiesByCost(report);
  const columns = figureColumns(policies);
  const heads = columns.map(
    (column, at) =>
      `<th scope="col" aria-sort="${at === 0 ? 'ascending' : 'none'}"><button type="button" title="${text(column.meaning)}">${headingHtml(column.heading)}</button></th>`,
  );
  return `<section aria-labelledby="figures-title">
<h2 id="figures-title">All figures</h2>
<p class="note no-print">Press a column's name to sort by it, again to turn the order.</p>
<div class="scroll" role="region" tabindex="0" aria-labelledby="figures-title">
<table id="figures">
<thead><tr><th scope="col" aria-sort="none"><button type="button">Policy<span></span></button></th>${heads.join('')}</tr></thead>
<tbody>
${policies.map((policy) => figureRow(policy, columns)).join('\n')}
</tbody>
</table>
</div>
</section>`;
}

/** The unit, after the comma, has a line of its own: columns get narrower. */
function headingHtml(heading: string): string {
  const [name = '', unit = ''] = heading.split(', ');
  return `${text(name)}<span>${text(unit)}</span>`;
}

function figureRow({ name, figures: of }: NamedPolicy, columns: readonly FigureColumn[]): string {
  const kind = name === PENSTOCK ? ' class="own"' : isYardstick(name) ? ' class="bound"' : '';
  const cells = columns.map((column) => {
    const value = column.value(of);
    return `<td data-value="${Number.isNaN(value) ? '' : value}">${text(column.text(of))}</td>`;
  });
  return `<tr${kind}><th scope="row" data-value="${text(name)}"><span class="swatch" data-policy="${text(name)}"></span>${text(name)}</th>${cells.join('')}</tr>`;
}

function settings(report: ReplayReport): string {
  const { trace, settings: used } = report;
  const rows: readonly (readonly [string, string])[] = [
    ['Trace', `${trace.file} (${trace.format})`],
    ['SHA-256 of what was read', trace.digest],
    ['Lines skipped', count(trace.skippedLines)],
    [
      'Scored part',
      `from ${duration(used.fromSec)} to ${duration(used.toSec)} of the trace, after ${duration(used.warmupSec)} of warm-up`,
    ],
    ['Scale', `load × ${used.scale}${used.overlay === 1 ? '' : `, ${used.overlay} copies shifted by random hours`}`],
    ['Lengths', lengthsText(report)],
    ['Policy', used.policy === null ? 'a plain one' : `${used.policy.file} (SHA-256 ${used.policy.digest})`],
    [
      'Engine',
      used.engine === 'fluid' ? `fluid, ticks of ${used.tickSec} s` : `requests, sampled every ${used.tickSec} s`,
    ],
    ['Replica class', used.replicaClass],
    [
      'One replica',
      `${decimal(used.capacity.requestsPerSec, 2)} requests/s with ${decimal(used.capacity.concurrency, 1)} in it`,
    ],
    [
      'Lead time',
      `${used.leadTimeSec} s${used.leadTimeSigma > 0 ? ` (median), lognormal sigma ${used.leadTimeSigma}` : ', fixed'}`,
    ],
    [
      'Wait for a machine',
      used.capacityWait === null ? 'none' : `${capacityWaitText(used.capacityWait)}, drawn per start`,
    ],
    ['Failed starts', `${decimal(used.failedStartRatio * 100, 1)} %`],
    ['Nodes', nodesText(used)],
    ['SLO wait', `${used.sloWaitSec} s`],
    ['Replicas', `${used.replicas.min} to ${used.replicas.max}`],
    ['Seed', String(report.seed)],
    ...Object.entries(report.versions).map(([name, version]): [string, string] => [`Version of ${name}`, version]),
  ];
  return `<section aria-labelledby="settings-title">
<h2 id="settings-title">Settings, and how to repeat it</h2>
<pre id="command" tabindex="0" aria-label="Command that repeats this replay">${text(repeatCommand(report))}</pre>
<p class="note">In the folder where it was run, with the same files and versions, the same figures come out, byte for byte.</p>
${definitions(rows)}
<div class="columns">${Object.entries(report.policies).map(policySettings).join('\n')}</div>
</section>`;
}

function nodesText(used: ReplayReport['settings']): string {
  if (used.peerNodes === 'none')
    return "part of the lead time: a replica's machine comes and goes with it, for everybody";
  return `one per replica. Penstock asks for them with the replicas; those of the peers are brought by ${used.peerNodes} after its own delay. Empty nodes are paid for until they go; a replica on one needs ${used.warmStartSec} s. Each policy's settings say what was added`;
}

function lengthsText({ trace, settings: used }: ReplayReport): string {
  if (used.lengths !== null)
    return `${used.lengths.file} (SHA-256 ${used.lengths.digest ?? 'not read: the trace has its own'})`;
  return trace.format === 'rate' ? 'a built-in mix' : "the trace's own";
}

function policySettings([name, { settings: used }]: readonly [string, NamedPolicy['figures']]): string {
  const rows = Object.entries(used);
  return rows.length === 0 ? '' : `<details><summary>Settings of ${text(name)}</summary>${definitions(rows)}</details>`;
}

function definitions(rows: readonly (readonly [string, string])[]): string {
  return `<dl class="rows">${rows.map(([name, value]) => `<div><dt>${text(name)}</dt><dd>${text(value)}</dd></div>`).join('')}</dl>`;
}

function meanings(report: ReplayReport): string {
  const rows = figureColumns(policiesByCost(report)).map((column): [string, string] => [
    column.heading,
    column.meaning,
  ]);
  return `<section aria-labelledby="meanings-title">
<h2 id="meanings-title">What the figures mean</h2>
${definitions(rows)}
</section>`;
}
