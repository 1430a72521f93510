/**
 * The page's style sheet. `--s0`…`--s6` are the policies' colours: ink, then the hues of Okabe and Ito (blue, vermillion, green, purple, orange, sky), in the light
 * theme orange and sky darker than published, in the dark one blue lighter, so that every line has a contrast of at least 3 with the ground.
 */

import { GROUND, themeRules } from '../../../base/page-theme.ts';

/** Variables of the light theme. */
export const LIGHT = `${GROUND.light}--load:#c9d0d8;--focus:#0072b2;
--s0:#1a1f26;--s1:#0072b2;--s2:#d55e00;--s3:#009e73;--s4:#c46c9c;--s5:#c08400;--s6:#3394d0;color-scheme:light;`;

/** Variables of the dark theme. */
export const DARK = `${GROUND.dark}--load:#3a444f;--focus:#56b4e9;
--s0:#e9edf1;--s1:#3f9fe0;--s2:#e8743b;--s3:#19b38a;--s4:#cc79a7;--s5:#e69f00;--s6:#9fd6f5;color-scheme:dark;`;

export const STYLE = `${themeRules({ light: LIGHT, dark: DARK })}
*{box-sizing:border-box}
body{margin:0 auto;padding:clamp(12px,2.5vw,32px);max-width:1400px;background:var(--bg);color:var(--ink);font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;overflow-wrap:anywhere}
h1{font-size:clamp(18px,2.4vw,24px);line-height:1.25;margin:2px 0 4px}
h2{font-size:18px;line-height:1.3;margin:0 0 4px}
section{margin-top:36px}
.top{display:flex;justify-content:space-between;align-items:center;gap:12px}
.kicker{margin:0;color:var(--muted);font-weight:600;letter-spacing:.02em}
.facts{margin:0;color:var(--muted);display:flex;flex-wrap:wrap;gap:0 16px}
.headline{font-size:clamp(16px,1.7vw,19px);line-height:1.45;margin:16px 0;max-width:72ch}
.note,.hint{color:var(--muted);margin:0 0 10px;max-width:90ch}
.hint{font-size:13px;margin:6px 0 0}
.key{display:grid;grid-template-columns:repeat(auto-fit,minmax(150px,1fr));gap:1px;margin:0;background:var(--rule);border:1px solid var(--rule);border-radius:8px;overflow:hidden}
.key div{background:var(--panel);padding:10px 14px}
.key dt{color:var(--muted);font-size:13px}
.key dd{margin:0}
.key b{font-size:21px;font-weight:650;font-variant-numeric:tabular-nums;white-space:nowrap;display:block;line-height:1.25}
.key span{color:var(--muted);font-size:13px}
button{font:inherit;color:var(--ink);background:var(--panel);border:1px solid var(--rule);border-radius:6px;padding:3px 10px;min-height:32px;cursor:pointer}
button:hover{border-color:var(--muted)}
:focus-visible{outline:2px solid var(--focus);outline-offset:2px}
#theme[aria-pressed=true]{border-color:var(--ink)}
.legend{display:flex;flex-wrap:wrap;gap:6px;margin-bottom:10px}
.legend button{display:inline-flex;align-items:center;gap:7px;padding:2px 9px}
.legend button[aria-pressed=false]{color:var(--muted);background:none;border-style:dashed}
.legend button[aria-pressed=false] svg{opacity:.45}
.legend button[aria-pressed=true]{border-color:var(--muted)}
.tools{display:flex;flex-wrap:wrap;gap:6px;align-items:center;margin-bottom:6px}
.tools button{min-width:34px}
.tools output{color:var(--muted);font-variant-numeric:tabular-nums;margin-left:6px}
.chart{position:relative}
.chart>svg{display:block;width:100%;overflow:visible;font-size:12px}
#timeline>svg:focus{outline:2px solid var(--focus);outline-offset:2px}
#timeline>svg{touch-action:pan-y;cursor:crosshair;user-select:none;-webkit-user-select:none}
.grid{stroke:var(--rule);stroke-width:1;shape-rendering:crispEdges}
.axis{stroke:var(--muted);stroke-width:1;shape-rendering:crispEdges}
.chart text{fill:var(--muted);font-variant-numeric:tabular-nums}
.chart text.strong{fill:var(--ink);font-weight:600}
.load{fill:var(--load);stroke:none}
.line{fill:none;stroke:var(--c);stroke-width:1.75;stroke-linejoin:round}
.line.own{stroke-width:2.75}
.mark{fill:var(--c);stroke:var(--bg);stroke-width:1}
.mark.hollow{fill:var(--bg);stroke:var(--c);stroke-width:1.75}
.mark.bare{fill:none;stroke:var(--c);stroke-width:2.25}
.miss{fill:var(--c)}
.brush{fill:var(--focus);opacity:.16}
.cross{stroke:var(--ink);stroke-width:1;opacity:.6;shape-rendering:crispEdges;pointer-events:none}
.bound-line{stroke:var(--ink);stroke-width:1;stroke-dasharray:2 3}
.leader{stroke:var(--muted);stroke-width:1}
#scatter text{paint-order:stroke;stroke:var(--bg);stroke-width:3px;stroke-linejoin:round}
.lane{fill:var(--panel)}
.c0{--c:var(--s0)}.c1{--c:var(--s1)}.c2{--c:var(--s2)}.c3{--c:var(--s3)}.c4{--c:var(--s4)}.c5{--c:var(--s5)}.c6{--c:var(--s6)}
.tip{position:absolute;z-index:2;top:0;left:0;pointer-events:none;background:var(--bg);color:var(--ink);border:1px solid var(--muted);border-radius:6px;padding:6px 9px;font-size:13px;line-height:1.4;max-width:min(300px,90vw);box-shadow:0 2px 8px rgb(0 0 0/.18)}
.tip[hidden]{display:none}
.tip b{display:block}
.tip table{border-collapse:collapse;font-variant-numeric:tabular-nums}
.tip td,.tip th{padding:0 0 0 12px;text-align:right;font-weight:400;white-space:nowrap;border:0;background:none;position:static}
.tip th:first-child,.tip td:first-child{padding-left:0;text-align:left}
.tip thead th{color:var(--muted)}
.swatch svg,.tip svg{vertical-align:middle;margin-right:7px}
.scroll{overflow-x:auto;border:1px solid var(--rule);border-radius:8px}
#figures{border-collapse:separate;border-spacing:0;width:100%;font-variant-numeric:tabular-nums}
#figures td,#figures tbody th{padding:5px 8px;text-align:right;white-space:nowrap;border-top:1px solid var(--rule)}
#figures th:first-child{text-align:left;position:sticky;left:0;background:var(--bg);z-index:1}
#figures tbody th{font-weight:400}
#figures thead th{padding:0;vertical-align:bottom;background:var(--panel)}
#figures thead th:first-child{background:var(--panel)}
#figures thead button{width:100%;height:100%;border:0;border-radius:0;background:none;padding:6px 8px;text-align:right;font-weight:600;font-size:13px;line-height:1.3;overflow-wrap:normal}
#figures thead button span{display:block;min-height:1.3em;color:var(--muted);font-weight:400}
#figures thead th:first-child button{text-align:left}
#figures th[aria-sort=ascending] button span::before{content:"▲ ";color:var(--ink)}
#figures th[aria-sort=descending] button span::before{content:"▼ ";color:var(--ink)}
#figures .own td,#figures .own th{font-weight:650;background:var(--panel)}
#figures .bound td,#figures .bound th{font-style:italic}
pre{white-space:pre-wrap;background:var(--panel);border:1px solid var(--rule);border-radius:8px;padding:10px 14px;margin:8px 0;font:13px/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;user-select:all;-webkit-user-select:all}
code{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;font-size:.92em}
.rows{margin:8px 0;display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,480px),1fr));gap:3px 32px}
.rows div{display:grid;grid-template-columns:minmax(110px,190px) 1fr;gap:12px}
.rows dt{color:var(--muted)}
.rows dd{margin:0}
.columns{columns:auto 300px;margin-top:12px}
details{margin:0 0 4px;break-inside:avoid}
details .rows{display:block}
summary{cursor:pointer}
@media (max-width:520px){.rows div{grid-template-columns:1fr;gap:0}.rows{gap:8px 0}#figures th:first-child{max-width:140px}}
@media print{
:root,:root[data-theme=dark],:root:not([data-theme=light]){${LIGHT}}
body{padding:0;font-size:11px}
.no-print,.tip,#theme{display:none!important}
.legend button:not([aria-pressed=true]){display:none}
section{break-inside:avoid;margin-top:18px}
.scroll{overflow:visible;border:0}
#figures td,#figures tbody th,#figures thead button{padding:2px 4px;font-size:9px}
*{-webkit-print-color-adjust:exact;print-color-adjust:exact}
}
`;
