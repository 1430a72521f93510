/** Script of the page: pointer, wheel, keys, buttons and legend of the chart over time, and reading values off it. */
export const TIMELINE_INPUT = String.raw`
/* A click that trembles is no drag. */
var DRAG_PX_MIN = 6;

/* Where the pointer is, within the plot. */
function plotX(chart, event) {
  var px = event.clientX - chart.picture.getBoundingClientRect().left;
  return Math.max(chart.box.left, Math.min(chart.box.left + chart.box.width, px));
}

function onPointer(chart) {
  var picture = chart.picture;
  var from = null;
  var brush = null;
  function drop() {
    if (brush) brush.remove();
    from = null;
    brush = null;
  }
  picture.addEventListener('pointerdown', function (event) {
    if (event.button !== 0) return;
    picture.focus({ preventScroll: true });
    picture.setPointerCapture(event.pointerId);
    unread(chart);
    from = plotX(chart, event);
    brush = drawn('rect', { class: 'brush', x: from, y: chart.box.top, width: 0, height: chart.box.height }, picture);
  });
  picture.addEventListener('pointermove', function (event) {
    var at = plotX(chart, event);
    if (from === null) {
      readAt(chart, indexAt(chart, secAt(chart, at)));
      return;
    }
    brush.setAttribute('x', Math.min(from, at));
    brush.setAttribute('width', Math.abs(at - from));
  });
  picture.addEventListener('pointerup', function (event) {
    if (from === null) return;
    var to = plotX(chart, event);
    var range = [secAt(chart, Math.min(from, to)), secAt(chart, Math.max(from, to))];
    var dragged = Math.abs(to - from) > DRAG_PX_MIN;
    drop();
    if (dragged) setView(chart, range[0], range[1]);
    else readAt(chart, indexAt(chart, range[0]));
  });
  picture.addEventListener('pointercancel', function () { drop(); unread(chart); });
  picture.addEventListener('pointerleave', function () { if (from === null) unread(chart); });
  picture.addEventListener('dblclick', function () { wholeView(chart); });
  picture.addEventListener('blur', function () { unread(chart); });
}

function onWheel(chart) {
  chart.picture.addEventListener('wheel', function (event) {
    /* The page goes on scrolling under a pointer that only passes by. */
    var meant = event.ctrlKey || event.metaKey;
    if (!meant && document.activeElement !== chart.picture) return;
    if (Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
      event.preventDefault();
      panView(chart, event.deltaX / chart.box.width);
      return;
    }
    if (event.deltaY > 0 && isWhole(chart) && !meant) return;
    event.preventDefault();
    unread(chart);
    zoomView(chart, Math.exp(event.deltaY * (event.deltaMode === 1 ? 0.05 : 0.0016)), secAt(chart, plotX(chart, event)));
  }, { passive: false });
}

function onKeys(chart) {
  var acts = {
    '+': function () { zoomView(chart, 0.5); },
    '=': function () { zoomView(chart, 0.5); },
    '-': function () { zoomView(chart, 2); },
    '0': function () { wholeView(chart); },
    Home: function () { wholeView(chart); },
    Escape: function () { unread(chart); },
    ArrowLeft: function (shift) { move(-1, shift); },
    ArrowRight: function (shift) { move(1, shift); },
  };
  function move(way, shift) {
    if (!shift) {
      unread(chart);
      panView(chart, way * 0.25);
      return;
    }
    var view = chart.view;
    var by = Math.max(1, Math.round((view.to - view.from) / data.stepSec / 200));
    var next = chart.reading === null ? indexAt(chart, (view.from + view.to) / 2) : chart.reading + way * by;
    var last = indexAt(chart, view.to - data.stepSec / 2);
    readAt(chart, Math.max(indexAt(chart, view.from), Math.min(last, next)));
    byId('range').textContent = readingText(chart);
  }
  chart.picture.addEventListener('keydown', function (event) {
    if (event.ctrlKey || event.metaKey || event.altKey || !Object.hasOwn(acts, event.key)) return;
    event.preventDefault();
    acts[event.key](event.shiftKey);
  });
}

function onButtons(chart) {
  byId('zoom-in').addEventListener('click', function () { zoomView(chart, 0.5); });
  byId('zoom-out').addEventListener('click', function () { zoomView(chart, 2); });
  byId('pan-left').addEventListener('click', function () { panView(chart, -0.25); });
  byId('pan-right').addEventListener('click', function () { panView(chart, 0.25); });
  byId('zoom-reset').addEventListener('click', function () { wholeView(chart); });
}

function makeLegend(chart) {
  var buttons = new Map();
  function allShown() { return chart.policies.every(function (policy) { return chart.shown.get(policy); }); }
  function refresh() {
    buttons.forEach(function (button, policy) { button.setAttribute('aria-pressed', String(chart.shown.get(policy))); });
    all.textContent = allShown() ? 'Show fewer' : 'Show all';
  }
  function update() {
    refresh();
    unread(chart);
    drawTimeline(chart);
  }
  function button(click) {
    var element = written('button', undefined, byId('legend'));
    element.type = 'button';
    element.addEventListener('click', function () { click(); update(); });
    return element;
  }
  chart.policies.forEach(function (policy) {
    var toggle = button(function () { chart.shown.set(policy, !chart.shown.get(policy)); });
    toggle.append(swatch(policy), policy.name);
    toggle.dataset.toggle = policy.name;
    buttons.set(policy, toggle);
  });
  var all = button(function () {
    var fewer = allShown();
    chart.policies.forEach(function (policy) { chart.shown.set(policy, fewer ? policy.shown : true); });
  });
  refresh();
}

function missesAt(policy, index) {
  for (var at = 0; at < policy.misses.length; at += 2) if (policy.misses[at] === index) return policy.misses[at + 1];
  return 0;
}

function readAt(chart, index) {
  chart.reading = index;
  var px = xOf(chart, timeOf(chart, index + 0.5));
  chart.cross.setAttribute('x1', px);
  chart.cross.setAttribute('x2', px);
  chart.cross.setAttribute('visibility', 'visible');
  chart.tip.show(px, chart.box.top + 4, function (into) { fillTip(chart, into, index); });
}

function unread(chart) {
  chart.reading = null;
  chart.tip.hide();
  if (chart.cross) chart.cross.setAttribute('visibility', 'hidden');
}

/* For screen readers, in the line that tells what is in view. */
function readingText(chart) {
  var index = chart.reading;
  var parts = visible(chart).map(function (policy) {
    return policy.name + ' ' + amount(policy.ready[index] || 0) + ' ready, ' + requestsText(missesAt(policy, index)) + ' misses';
  });
  return clockText(timeOf(chart, index)) + ': load ' + amount(data.load[index]) + ' replicas, ' + parts.join('; ');
}

function fillTip(chart, into, index) {
  written('b', clockText(timeOf(chart, index)) + ' – ' + clockText(timeOf(chart, index + 1)), into);
  var rows = written('table', undefined, into);
  var head = written('tr', undefined, written('thead', undefined, rows));
  ['', 'replicas', 'misses'].forEach(function (text) { written('th', text, head); });
  var body = written('tbody', undefined, rows);
  var load = written('tr', undefined, body);
  ['load', amount(data.load[index]), ''].forEach(function (text) { written('td', text, load); });
  visible(chart).forEach(function (policy) {
    var row = written('tr', undefined, body);
    written('td', undefined, row).append(swatch(policy), policy.name);
    written('td', amount(policy.ready[index] || 0), row);
    written('td', requestsText(missesAt(policy, index)), row);
  });
}
`;
