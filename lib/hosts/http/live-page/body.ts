/** The page's HTML: places that the script fills with text. */
import { PAGE_ROWS } from '../../../loop/live/choose.ts';

const FILTERS = [
  ['all', 'All'],
  ['attention', 'Attention'],
  ['moving', 'Moving'],
  ['act', 'act'],
  ['observe', 'observe'],
  ['paused', 'paused'],
] as const;

const SORTS = [
  ['attention', 'attention first'],
  ['name', 'name'],
  ['wanted', 'most replicas'],
  ['missing', 'most missing'],
] as const;

const TILES = [
  ['workloads', 'Workloads'],
  ['replicas', 'Replicas ready'],
  ['nodes', 'Nodes ready'],
  ['price', 'List price'],
  ['mode', 'Mode'],
] as const;

const filters = FILTERS.map(
  ([value, name]) =>
    `<button type="button" data-show="${value}" aria-pressed="false">${name} <span class="n"></span></button>`,
).join('');
const sorts = SORTS.map(([value, name]) => `<option value="${value}">${name}</option>`).join('');
const tiles = TILES.map(
  ([id, name]) => `<div><dt>${name}</dt><dd><b id="${id}">–</b> <span id="${id}-more"></span></dd></div>`,
).join('');
const heads = (names: readonly string[]): string =>
  `<thead role="rowgroup"><tr role="row">${names.map((name) => `<th role="columnheader" scope="col">${name}</th>`).join('')}</tr></thead>`;

export const BODY = `<header class="top">
<h1>Penstock</h1>
<p class="fresh"><span id="state" role="status">connecting</span>, <span id="age"></span></p>
<button type="button" id="theme" aria-pressed="false">Dark</button>
</header>
<div id="notes" role="alert"></div>
<form id="login" hidden>
<label for="token">Token</label>
<input id="token" type="password" autocomplete="off" spellcheck="false" maxlength="512">
<button type="submit">Show</button>
<p class="note" id="login-note">This server asks for the token of its status. It stays in this tab and is sent to this server only.</p>
</form>
<noscript><p class="note">This page needs JavaScript. Without: <code>penstock status</code>, <code>GET /status</code>.</p></noscript>
<main id="main" hidden>
<dl class="key" aria-label="The fleet">${tiles}</dl>
<section aria-labelledby="alerts-title">
<h2 id="alerts-title">Alerts <span class="n" id="alert-count"></span></h2>
<ul id="alerts" class="list"></ul>
</section>
<section aria-labelledby="workloads-title">
<h2 id="workloads-title">Workloads</h2>
<div class="tools" role="search">
<label class="sr" for="search">Search workloads</label>
<input id="search" type="search" placeholder="Name, target or pool" maxlength="100" spellcheck="false" autocomplete="off">
<div class="filters" role="group" aria-label="Show">${filters}</div>
<label>Sort <select id="sort">${sorts}</select></label>
</div>
<div class="scroll"><table id="workloads-table" role="table" aria-labelledby="workloads-title">
${heads(['Workload', 'Replicas', '<span id="span">Load and wanted</span>', 'Load', 'Decided', 'Because'])}
<tbody role="rowgroup" id="rows"></tbody>
</table></div>
<p class="note" id="none" hidden>No workload is like that.</p>
<nav class="pager" aria-label="Pages of workloads" hidden><button type="button" id="back">← Previous ${PAGE_ROWS}</button> <span id="pages"></span> <button type="button" id="next">Next ${PAGE_ROWS} →</button></nav>
</section>
<section aria-labelledby="groups-title" id="groups-section">
<h2 id="groups-title">Node groups</h2>
<div class="scroll"><table role="table" aria-labelledby="groups-title">
${heads(['Node group', 'Nodes', 'Max', 'Ownership', 'State'])}
<tbody role="rowgroup" id="groups"></tbody>
</table></div>
<p class="note" id="groups-more"></p>
</section>
<section aria-labelledby="decisions-title">
<h2 id="decisions-title">Last decisions</h2>
<ol id="decisions" class="list"></ol>
</section>
<p class="note" id="foot"></p>
</main>
<dialog id="detail" aria-labelledby="detail-title">
<div class="top"><h2 id="detail-title"></h2><button type="button" id="close">Close</button></div>
<p id="detail-headline" class="headline"></p>
<p id="detail-about" class="note"></p>
<div id="detail-chart" class="chart"></div>
<dl id="detail-rows" class="why"></dl>
<details id="detail-steps-box"><summary>All steps</summary><dl id="detail-steps" class="why"></dl></details>
<h3>Decisions that changed something</h3>
<ol id="detail-decisions" class="list"></ol>
</dialog>`;
