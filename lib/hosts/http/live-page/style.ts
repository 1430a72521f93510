/** The page's style sheet, in the colours of the replay's report: hues of Okabe and Ito that keep a contrast of 3 with the ground as lines and 4.5 as text. */
import { GROUND, themeRules } from '../../../base/page-theme.ts';

const LIGHT = `${GROUND.light}--load:#c3cbd4;--blue:#0072b2;--bad:#b3261e;--warn:#8a5a00;--good:#00724f;color-scheme:light;`;
const DARK = `${GROUND.dark}--load:#465260;--blue:#56b4e9;--bad:#ff8a7a;--warn:#e6b450;--good:#4fd1a5;color-scheme:dark;`;

export const STYLE = `${themeRules({ light: LIGHT, dark: DARK })}
*{box-sizing:border-box}
[hidden]{display:none!important}
body{margin:0 auto;padding:clamp(10px,2vw,28px);max-width:1500px;background:var(--bg);color:var(--ink);font:15px/1.45 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;overflow-wrap:anywhere}
h1{font-size:20px;margin:0;white-space:nowrap}
h2{font-size:17px;line-height:1.3;margin:0 0 6px}
h3{font-size:15px;margin:16px 0 4px}
section{margin-top:26px}
.sr{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
.top{display:flex;justify-content:space-between;align-items:center;gap:12px;margin-bottom:12px}
#theme,#close{white-space:nowrap}
.fresh{margin:0 auto 0 0;color:var(--muted);font-variant-numeric:tabular-nums}
.fresh::before{content:"●";color:var(--muted);margin-right:5px}
body[data-state=live] .fresh::before{color:var(--good)}
body[data-state=stale] .fresh::before,body[data-state=away] .fresh::before{color:var(--bad)}
body[data-state=stale] main,body[data-state=away] main{opacity:.65}
#notes p{margin:0 0 10px;padding:8px 12px;border:1px solid var(--bad);border-left-width:5px;border-radius:6px;background:var(--panel)}
.note{color:var(--muted);margin:6px 0;max-width:95ch}
.headline{font-size:17px;margin:8px 0 2px}
.key{display:grid;grid-template-columns:repeat(auto-fit,minmax(150px,1fr));gap:1px;margin:0;background:var(--rule);border:1px solid var(--rule);border-radius:8px;overflow:hidden}
.key div{background:var(--panel);padding:8px 14px}
.key dt{color:var(--muted);font-size:13px}
.key dd{margin:0}
.key b{font-size:21px;font-weight:650;font-variant-numeric:tabular-nums;white-space:nowrap;display:block;line-height:1.25}
.key span{color:var(--muted);font-size:13px}
button,input,select{font:inherit;color:var(--ink);background:var(--panel);border:1px solid var(--rule);border-radius:6px;padding:3px 10px;min-height:32px}
button{cursor:pointer}
button:hover:not(:disabled){border-color:var(--muted)}
button:disabled{opacity:.5;cursor:default}
:focus-visible{outline:2px solid var(--blue);outline-offset:2px}
.tools{display:flex;flex-wrap:wrap;gap:8px 14px;align-items:center;margin-bottom:10px}
.tools input{flex:1 1 200px;max-width:340px}
.filters{display:flex;flex-wrap:wrap;gap:6px}
.filters button{color:var(--muted)}
.filters button[aria-pressed=true],#theme[aria-pressed=true]{border-color:var(--ink);color:var(--ink)}
.n{font-variant-numeric:tabular-nums;color:var(--muted);font-weight:400}
.scroll{overflow-x:auto;border:1px solid var(--rule);border-radius:8px}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
th,td{padding:6px 10px;text-align:left;vertical-align:top}
thead th{background:var(--panel);font-size:13px;font-weight:600;white-space:nowrap}
tbody tr{border-top:1px solid var(--rule)}
tbody tr:hover{background:var(--panel)}
#rows td:first-child{min-width:190px}
#rows td:nth-child(4){min-width:150px}
#rows td:nth-child(5){white-space:nowrap}
#rows td:nth-child(6){min-width:240px}
.brief{display:-webkit-box;-webkit-box-orient:vertical;-webkit-line-clamp:3;overflow:hidden}
td small,li small{color:var(--muted);font-size:13px}
.link{border:0;background:none;padding:0;min-height:24px;text-align:left;color:var(--blue);font-weight:600;text-decoration:underline;text-decoration-thickness:1px;text-underline-offset:2px}
.count{white-space:nowrap;font-weight:650}
.tag{display:inline-block;margin:0 4px 0 0;padding:0 6px;border:1px solid currentColor;border-radius:9px;font-size:12px;line-height:17px;color:var(--muted)}
.bad{color:var(--bad)}.warn{color:var(--warn)}.good{color:var(--good)}.dim{color:var(--muted)}
.spark{display:block;width:180px;height:34px}
.chart svg{display:block;width:100%;height:190px}
.area{fill:var(--load)}
.line{fill:none;stroke:var(--blue);stroke-width:1.75;vector-effect:non-scaling-stroke;stroke-linejoin:round}
.ready{fill:none;stroke:var(--good);stroke-width:1.5;stroke-dasharray:3 3;vector-effect:non-scaling-stroke}
.axis{display:flex;justify-content:space-between;gap:8px;color:var(--muted);font-size:13px}
.axis span:not(:nth-child(2)){white-space:nowrap}
.list{list-style:none;margin:0;padding:0}
.list li{padding:5px 0;border-top:1px solid var(--rule)}
.list li:first-child{border-top:0}
.list p{margin:2px 0 0;color:var(--muted);font-size:14px}
.list time{color:var(--muted);font-variant-numeric:tabular-nums;margin-right:8px}
.list .move{font-weight:650;white-space:nowrap;margin:0 8px}
.pager{display:flex;flex-wrap:wrap;gap:12px;align-items:center;margin-top:10px}
#login{display:flex;flex-wrap:wrap;gap:8px;align-items:center;margin:20px 0}
#login p{flex-basis:100%}
dialog{width:min(880px,calc(100vw - 20px));max-height:calc(100vh - 20px);max-height:calc(100dvh - 20px);overflow:auto;padding:16px 20px;background:var(--bg);color:var(--ink);border:1px solid var(--muted);border-radius:10px}
dialog::backdrop{background:rgb(0 0 0/.45)}
.why{margin:10px 0;display:grid;grid-template-columns:max-content max-content 1fr;gap:3px 14px}
.why dt{font-weight:600}
.why dd{margin:0}
.why .wide{grid-column:2/-1}
code{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;font-size:.92em}
@media (max-width:760px){
.scroll{border:0;overflow:visible}
table,tbody{display:block}
thead{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
tbody tr{display:grid;grid-template-columns:1fr auto;gap:0 12px;padding:8px 0}
td{padding:1px 0}
td.all{grid-column:1/-1}
#rows td:nth-child(n){min-width:0}
#rows td:nth-child(4){grid-column:1}
#rows td:nth-child(5){grid-column:2;text-align:right}
.spark{width:100%}
.why{grid-template-columns:1fr;gap:0}
.why .wide{grid-column:auto}
.why dd{margin-bottom:2px}
.why dt{margin-top:8px}
}
@media (max-width:480px){.key div:last-child{grid-column:1/-1}}
@media (prefers-reduced-motion:no-preference){main{transition:opacity .2s}}
`;
