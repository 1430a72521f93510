/** Script of the page: axes, lines and lanes of the chart over time. */
export const TIMELINE_DRAWING = String.raw`
var LANE_HEIGHT = 30;
var TIME_AXIS_HEIGHT = 38;

/* Returns the scale: from replicas to pixels. */
function drawReplicaAxis(chart, policies, range) {
  var box = chart.box;
  var max = largest([data.load].concat(policies.map(function (policy) { return policy.ready; })), range) || 1;
  var step = niceStep(max, 5);
  var top = Math.ceil(max / step - 1e-9) * step;
  var y = function (value) { return box.top + box.height - (value / top) * box.height; };
  ticksBetween(0, top, step).forEach(function (value) {
    var line = { class: value === 0 ? 'axis' : 'grid', x1: box.left, x2: box.left + box.width, y1: y(value), y2: y(value) };
    drawn('line', line, chart.picture);
    label(grouped(value, decimalsOf(step)), box.left - 6, y(value) + 4, { 'text-anchor': 'end' }, chart.picture);
  });
  return y;
}

function largest(lists, range) {
  var max = 0;
  lists.forEach(function (values) {
    for (var at = range.first; at <= range.last; at += 1) if (values[at] > max) max = values[at];
  });
  return max;
}

function drawTimeAxis(chart) {
  var box = chart.box;
  var right = box.left + box.width;
  var under = box.top + box.height;
  var step = timeStep(chart.view.to - chart.view.from, Math.max(2, Math.floor(box.width / 80)));
  ticksBetween(chart.view.from, chart.view.to, step).forEach(function (sec) {
    var at = xOf(chart, sec);
    drawn('line', { class: 'grid', x1: at, x2: at, y1: box.top, y2: box.total }, chart.picture);
    var anchor = at < box.left + 14 ? 'start' : at > right - 14 ? 'end' : 'middle';
    label(tickText(sec, step), at, under + 16, { 'text-anchor': anchor, class: 'tick' }, chart.picture);
  });
  var unit = (manyDays() ? 'days, ' : '') + 'hours:minutes' + (step < 60 ? ':seconds' : '');
  label('time since the start of the trace (' + unit + ')', right, under + 31, { 'text-anchor': 'end' }, chart.picture);
}

/* Values of the range as steps; equal neighbours are one stroke. */
function stepPath(chart, values, range, y) {
  var path = 'M' + xOf(chart, timeOf(chart, range.first)).toFixed(1) + ' ' + y(values[range.first]).toFixed(1);
  for (var at = range.first + 1; at <= range.last; at += 1) {
    if (values[at] === values[at - 1]) continue;
    path += 'H' + xOf(chart, timeOf(chart, at)).toFixed(1) + 'V' + y(values[at]).toFixed(1);
  }
  return path + 'H' + xOf(chart, timeOf(chart, range.last + 1)).toFixed(1);
}

function drawLine(chart, policy, at, plot) {
  drawn('path', {
    class: 'line c' + policy.color + (isOwn(policy) ? ' own' : ''),
    d: stepPath(chart, policy.ready, at.range, at.y),
    'stroke-dasharray': policy.dash,
    'data-line': policy.name,
  }, plot);
  /* Marks stand apart by policy, so that lines on one another can be told. */
  var marks = Math.max(3, Math.round(chart.box.width / 170));
  var phase = 0.2 + ((at.rank * 0.37) % 1) * 0.75;
  for (var nth = 0; nth < marks; nth += 1) {
    var px = chart.box.left + ((nth + phase) / marks) * chart.box.width;
    mark(policy, isOwn(policy) ? 4.5 : 4, px, at.y(policy.ready[indexAt(chart, secAt(chart, px))]), plot);
  }
}

/* Where the policy's misses are, higher for more. */
function drawLane(chart, policy, top, range) {
  var box = chart.box;
  drawn('rect', { class: 'lane', x: box.left, y: top, width: box.width, height: LANE_HEIGHT - 3 }, chart.picture);
  mark(policy, 3.5, box.left + 9, top + 8, chart.picture);
  var misses = missColumns(chart, policy, range);
  var seen = requestsText(misses.seen) + (isWhole(chart) ? '' : ' of ' + requestsText(misses.total)) + ' misses';
  var words = policy.name + ': ' + (misses.total === 0 ? 'no misses' : seen);
  label(words, box.left + 18, top + 12, { 'data-lane': policy.name }, chart.picture);
  if (misses.columns.size === 0) return;
  var bottom = top + LANE_HEIGHT - 3;
  var wide = Math.max(1.5, (data.stepSec / (chart.view.to - chart.view.from)) * box.width).toFixed(1);
  var path = '';
  misses.columns.forEach(function (missed, px) {
    var high = (3 + 9 * (Math.log1p(missed) / Math.log1p(misses.most))).toFixed(1);
    path += 'M' + px + ' ' + bottom + 'v-' + high + 'h' + wide + 'v' + high + 'z';
  });
  drawn('path', { class: 'miss c' + policy.color, d: path, 'data-misses': policy.name, 'clip-path': 'url(#plot)' }, chart.picture);
}

/* Misses by pixel: a week has more steps than a screen has columns. */
function missColumns(chart, policy, range) {
  var found = { total: 0, seen: 0, most: 0, columns: new Map() };
  for (var at = 0; at < policy.misses.length; at += 2) {
    var index = policy.misses[at];
    var missed = policy.misses[at + 1];
    found.total += missed;
    if (index < range.first || index > range.last) continue;
    found.seen += missed;
    var px = Math.round(Math.max(chart.box.left, xOf(chart, timeOf(chart, index))));
    found.columns.set(px, (found.columns.get(px) || 0) + missed);
    found.most = Math.max(found.most, found.columns.get(px));
  }
  return found;
}
`;
