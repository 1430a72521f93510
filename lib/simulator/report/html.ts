/** The report as one page that needs nothing else: no network, no other file. */
import { createHash } from 'node:crypto';
import { bodyHtml } from './page/body.ts';
import { pageData } from './page/data.ts';
import { escapeHtml, escapeJson } from './page/escape.ts';
import { SCRIPT } from './page/script/index.ts';
import { STYLE } from './page/style.ts';
import type { ReplayReport, ReplaySeries } from './types.ts';

/**
 * A complete HTML document: the result in a sentence, load and ready replicas over time, cost against misses, all figures, settings and how to repeat the run.
 * Below 1 MB for 12 policies, whatever the length of the series (they are thinned, see `POINTS_MAX`). Same report and series, same bytes.
 * Its Content-Security-Policy lets run only the one script and style sheet written here, by their hashes, and lets nothing be loaded.
 */
export function renderHtml(report: ReplayReport, series: ReplaySeries): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policyOfContent()}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>${escapeHtml(`Replay of ${report.trace.file}`)} · Penstock</title>
<style>${STYLE}</style>
</head>
<body>
<main>
${bodyHtml(report)}
</main>
<script type="application/json" id="data">${escapeJson(pageData(report, series))}</script>
<script>${SCRIPT}</script>
</body>
</html>
`;
}

function policyOfContent(): string {
  return [
    "default-src 'none'",
    `script-src '${sourceHash(SCRIPT)}'`,
    `style-src '${sourceHash(STYLE)}'`,
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ');
}

function sourceHash(text: string): string {
  return `sha256-${createHash('sha256').update(text).digest('base64')}`;
}
