/** Light and dark of the pages that Penstock writes (the replay's report, the live page): the ground, the rules, and the button `theme` that changes over. */

/** Variables of the ground that all pages stand on; each adds its own colours. */
export const GROUND = {
  light: '--bg:#fff;--panel:#f5f7f9;--ink:#1a1f26;--muted:#56616d;--rule:#d8dde3;',
  dark: '--bg:#14181d;--panel:#1c2229;--ink:#e9edf1;--muted:#a2adb9;--rule:#333c46;',
} as const;

/** Which variables hold: the reader's setting, until `data-theme` of the root says `light` or `dark`. */
export function themeRules({ light, dark }: { readonly light: string; readonly dark: string }): string {
  return `
:root{${light}}
@media (prefers-color-scheme:dark){:root:not([data-theme=light]){${dark}}}
:root[data-theme=dark]{${dark}}`;
}

/** Part of a page's script: `theme()` gives the button its work. Needs `byId` of the same page. */
export const THEME_SCRIPT = String.raw`
function theme() {
  var button = byId('theme');
  var asked = window.matchMedia('(prefers-color-scheme: dark)');
  function isDark() {
    var chosen = document.documentElement.dataset.theme;
    return chosen ? chosen === 'dark' : asked.matches;
  }
  function tell() { button.setAttribute('aria-pressed', String(isDark())); }
  button.addEventListener('click', function () {
    document.documentElement.dataset.theme = isDark() ? 'light' : 'dark';
    tell();
  });
  asked.addEventListener('change', tell);
  tell();
}
`;
