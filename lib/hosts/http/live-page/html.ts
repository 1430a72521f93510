/** The live page: one document that needs nothing else but the JSON routes of the server it came from. It says nothing of the installation until its script may read those. */
import { createHash } from 'node:crypto';
import { BODY } from './body.ts';
import { SCRIPT } from './script/index.ts';
import { STYLE } from './style.ts';

export type LivePage = { readonly html: string; readonly contentSecurityPolicy: string };

/** The same bytes at every call. The policy lets run only the one script and style sheet written here, by their hashes, and lets them ask only their own server. */
export function livePage(): LivePage {
  return PAGE;
}

const PAGE: LivePage = {
  html: `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<meta name="robots" content="noindex">
<link rel="icon" href="data:,">
<title>Penstock</title>
<style>${STYLE}</style>
</head>
<body>
${BODY}
<script>${SCRIPT}</script>
</body>
</html>
`,
  contentSecurityPolicy: [
    "default-src 'none'",
    `script-src '${hashOf(SCRIPT)}'`,
    `style-src '${hashOf(STYLE)}'`,
    "connect-src 'self'",
    // The empty icon, so that no browser asks for one.
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; '),
};

function hashOf(text: string): string {
  return `sha256-${createHash('sha256').update(text).digest('base64')}`;
}
