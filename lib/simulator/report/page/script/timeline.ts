/** Script of the page, second part: load and ready replicas over time; what is in view, and drawing it. */
export const TIMELINE = String.raw`
/* Values in view at least: below, lines have no shape. */
var VALUES_MIN = 4;

function timeline() {
  var host = byId('timeline');
  var count = data.load.length;
  if (count === 0) {
    written('p', 'There is no series in this report.', host).className = 'note';
    return;
  }
  var start = data.fromSec;
  var end = start + count * data.stepSec;
  var chart = {
    host: host,
    start: start,
    end: end,
    count: count,
    view: { from: start, to: end },
    box: { left: 40, right: 14, top: 10, width: 0, height: 0, lanes: 0, total: 0 },
    policies: data.policies.filter(function (policy) { return policy.ready.length > 0; }),
    shown: new Map(data.policies.map(function (policy) { return [policy, policy.shown]; })),
    picture: drawn('svg', { tabindex: 0, role: 'group', 'aria-describedby': 'timeline-hint' }, host),
    cross: null,
    /* Index of the value that is read out; null: none. */
    reading: null,
  };
  chart.tip = makeTip(host);
  onPointer(chart);
  onWheel(chart);
  onKeys(chart);
  onButtons(chart);
  makeLegend(chart);
  onWidth(host, function () { drawTimeline(chart); });
}

function visible(chart) { return chart.policies.filter(function (policy) { return chart.shown.get(policy); }); }

function xOf(chart, sec) { return chart.box.left + ((sec - chart.view.from) / (chart.view.to - chart.view.from)) * chart.box.width; }

function secAt(chart, px) { return chart.view.from + ((px - chart.box.left) / chart.box.width) * (chart.view.to - chart.view.from); }

function timeOf(chart, index) { return chart.start + index * data.stepSec; }

function indexAt(chart, sec) { return Math.max(0, Math.min(chart.count - 1, Math.floor((sec - chart.start) / data.stepSec))); }

function isWhole(chart) { return chart.view.to - chart.view.from >= (chart.end - chart.start) * 0.99999; }

function spanMin(chart) { return Math.min(chart.end - chart.start, VALUES_MIN * data.stepSec); }

/* Shows this part of the time, as far as there is such a part. */
function setView(chart, from, to) {
  var span = Math.max(spanMin(chart), Math.min(chart.end - chart.start, to - from));
  var wanted = to - from === span ? from : (from + to) / 2 - span / 2;
  var at = Math.max(chart.start, Math.min(chart.end - span, wanted));
  chart.view = { from: at, to: at + span };
  drawTimeline(chart);
}

function wholeView(chart) { setView(chart, chart.start, chart.end); }

/* The time under the pointer stays where it is. */
function zoomView(chart, factor, aroundSec) {
  var view = chart.view;
  var around = aroundSec === undefined ? (view.from + view.to) / 2 : aroundSec;
  var span = Math.max(spanMin(chart), Math.min(chart.end - chart.start, (view.to - view.from) * factor));
  var from = around - ((around - view.from) / (view.to - view.from)) * span;
  setView(chart, from, from + span);
}

function panView(chart, ratio) {
  var view = chart.view;
  var by = Math.max(chart.start - view.from, Math.min(chart.end - view.to, (view.to - view.from) * ratio));
  setView(chart, view.from + by, view.to + by);
}

function drawTimeline(chart) {
  var policies = visible(chart);
  var box = chart.box;
  var range = { first: indexAt(chart, chart.view.from), last: indexAt(chart, chart.view.to - data.stepSec * 0.001) };
  measure(chart, policies.length);
  chart.picture.replaceChildren();
  chart.picture.setAttribute('viewBox', '0 0 ' + chart.host.clientWidth + ' ' + box.total);
  var clip = drawn('clipPath', { id: 'plot' }, drawn('defs', {}, chart.picture));
  drawn('rect', { x: box.left, y: 0, width: box.width, height: box.total }, clip);
  var y = drawReplicaAxis(chart, policies, range);
  drawTimeAxis(chart);
  var plot = drawn('g', { 'clip-path': 'url(#plot)' }, chart.picture);
  var area = stepPath(chart, data.load, range, y) + 'V' + y(0) + 'H' + xOf(chart, timeOf(chart, range.first)).toFixed(1) + 'Z';
  drawn('path', { class: 'load', d: area }, plot);
  /* The first ones, Penstock among them, lie on top. */
  for (var at = policies.length - 1; at >= 0; at -= 1) drawLine(chart, policies[at], { rank: at, range: range, y: y }, plot);
  label('replicas', box.left + 6, box.top + 10, { class: 'strong' }, chart.picture);
  policies.forEach(function (policy, rank) { drawLane(chart, policy, box.lanes + rank * LANE_HEIGHT, range); });
  chart.cross = drawn('line', { class: 'cross', y1: box.top, y2: box.total, visibility: 'hidden' }, chart.picture);
  tellView(chart, policies);
}

function measure(chart, laneCount) {
  var box = chart.box;
  box.width = Math.max(100, chart.host.clientWidth - box.left - box.right);
  box.height = chart.host.clientWidth < 560 ? 220 : 330;
  box.lanes = box.top + box.height + TIME_AXIS_HEIGHT;
  box.total = box.lanes + laneCount * LANE_HEIGHT;
}

function tellView(chart, policies) {
  var view = chart.view;
  var names = policies.map(function (policy) { return policy.name; }).join(', ');
  var from = clockText(view.from);
  var to = clockText(view.to);
  chart.picture.setAttribute('aria-label', 'Load and ready replicas of ' + names + ', from ' + from + ' to ' + to);
  byId('range').textContent = from + ' – ' + to + ' (' + spanText(view.to - view.from) + '; one value per ' + spanText(data.stepSec) + ')';
  byId('zoom-reset').disabled = isWhole(chart);
  byId('zoom-out').disabled = isWhole(chart);
  byId('zoom-in').disabled = view.to - view.from <= spanMin(chart) * 1.0001;
  byId('pan-left').disabled = view.from <= chart.start;
  byId('pan-right').disabled = view.to >= chart.end;
  chart.host.dataset.from = String(view.from);
  chart.host.dataset.to = String(view.to);
}
`;
