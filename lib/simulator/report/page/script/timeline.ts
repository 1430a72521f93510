/** Script of the page, second part: load and ready replicas over time, with zoom. */
export const TIMELINE = String.raw`
function timeline() {
  var host = byId('timeline');
  var count = data.load.length;
  if (count === 0) {
    written('p', 'There is no series in this report.', host).className = 'note';
    return;
  }
  var start = data.fromSec;
  var end = start + count * data.stepSec;
  var view = { from: start, to: end };
  var shown = new Map(data.policies.map(function (policy) { return [policy, policy.shown]; }));
  var drawable = data.policies.filter(function (policy) { return policy.ready.length > 0; });
  var picture = drawn('svg', { tabindex: 0, role: 'group', 'aria-describedby': 'timeline-hint' }, host);
  var tip = makeTip(host);
  var box = { left: 40, right: 14, top: 10, width: 0, height: 0, lanes: 0 };
  var cross = null;
  var reading = null;

  function visible() { return drawable.filter(function (policy) { return shown.get(policy); }); }
  function x(sec) { return box.left + ((sec - view.from) / (view.to - view.from)) * box.width; }
  function secAt(px) { return view.from + ((px - box.left) / box.width) * (view.to - view.from); }
  function stepAt(sec) { return Math.max(0, Math.min(count - 1, Math.floor((sec - start) / data.stepSec))); }

  function setView(from, to) {
    var least = Math.min(end - start, 4 * data.stepSec);
    var span = Math.max(least, Math.min(end - start, to - from));
    var middle = (from + to) / 2;
    var at = Math.max(start, Math.min(end - span, to - from === span ? from : middle - span / 2));
    view = { from: at, to: at + span };
    draw();
  }
  function zoom(factor, aroundSec) {
    var around = aroundSec === undefined ? (view.from + view.to) / 2 : aroundSec;
    var span = Math.max(Math.min(end - start, 4 * data.stepSec), Math.min(end - start, (view.to - view.from) * factor));
    var ratio = (around - view.from) / (view.to - view.from);
    setView(around - ratio * span, around - ratio * span + span);
  }
  function pan(ratio) {
    var by = (view.to - view.from) * ratio;
    var clamped = Math.max(start - view.from, Math.min(end - view.to, by));
    setView(view.from + clamped, view.to + clamped);
  }
  function whole() { return view.to - view.from >= (end - start) * 0.99999; }

  /* Steps of equal value are one stroke. */
  function stepPath(values, first, last, y) {
    var path = 'M' + x(start + first * data.stepSec).toFixed(1) + ' ' + y(values[first]).toFixed(1);
    for (var at = first + 1; at <= last; at += 1) {
      if (values[at] === values[at - 1]) continue;
      path += 'H' + x(start + at * data.stepSec).toFixed(1) + 'V' + y(values[at]).toFixed(1);
    }
    return path + 'H' + x(start + (last + 1) * data.stepSec).toFixed(1);
  }

  function largest(lists, first, last) {
    var max = 0;
    lists.forEach(function (values) {
      for (var at = first; at <= last; at += 1) if (values[at] > max) max = values[at];
    });
    return max;
  }

  function draw() {
    var policies = visible();
    var first = stepAt(view.from);
    var last = stepAt(view.to - data.stepSec * 0.001);
    var laneHeight = 30;
    var axisHeight = 38;
    box.width = Math.max(100, host.clientWidth - box.left - box.right);
    box.height = host.clientWidth < 560 ? 220 : 330;
    box.lanes = box.top + box.height + axisHeight;
    var total = box.lanes + policies.length * laneHeight;
    picture.replaceChildren();
    picture.setAttribute('viewBox', '0 0 ' + host.clientWidth + ' ' + total);

    var max = largest([data.load].concat(policies.map(function (policy) { return policy.ready; })), first, last) || 1;
    var step = niceStep(max, 5);
    var top = Math.ceil(max / step - 1e-9) * step;
    var y = function (value) { return box.top + box.height - (value / top) * box.height; };
    var clip = drawn('clipPath', { id: 'plot' }, drawn('defs', {}, picture));
    drawn('rect', { x: box.left, y: 0, width: box.width, height: total }, clip);

    ticksBetween(0, top, step).forEach(function (value) {
      drawn('line', { class: value === 0 ? 'axis' : 'grid', x1: box.left, x2: box.left + box.width, y1: y(value), y2: y(value) }, picture);
      label(grouped(value, decimalsOf(step)), box.left - 6, y(value) + 4, { 'text-anchor': 'end' }, picture);
    });
    timeAxis(total);
    var plot = drawn('g', { 'clip-path': 'url(#plot)' }, picture);
    drawn('path', { class: 'load', d: stepPath(data.load, first, last, y) + 'V' + y(0) + 'H' + x(start + first * data.stepSec).toFixed(1) + 'Z' }, plot);
    policies.slice().reverse().forEach(function (policy, rank) { line(policy, policies.length - 1 - rank, first, last, y, plot); });
    label('replicas', box.left + 6, box.top + 10, { class: 'strong' }, picture);
    policies.forEach(function (policy, at) { lane(policy, box.lanes + at * laneHeight, laneHeight, first, last); });

    cross = drawn('line', { class: 'cross', y1: box.top, y2: total, visibility: 'hidden' }, picture);
    picture.setAttribute('aria-label', 'Load and ready replicas of ' + policies.map(function (policy) { return policy.name; }).join(', ') + ', from ' + clockText(view.from) + ' to ' + clockText(view.to));
    byId('range').textContent = clockText(view.from) + ' – ' + clockText(view.to) + ' (' + spanText(view.to - view.from) + '; one value per ' + spanText(data.stepSec) + ')';
    byId('zoom-reset').disabled = whole();
    byId('zoom-out').disabled = whole();
    byId('pan-left').disabled = view.from <= start;
    byId('pan-right').disabled = view.to >= end;
    byId('zoom-in').disabled = view.to - view.from <= 4 * data.stepSec * 1.0001;
    host.dataset.from = String(view.from);
    host.dataset.to = String(view.to);
  }

  function timeAxis(total) {
    var step = timeStep(view.to - view.from, Math.max(2, Math.floor(box.width / 80)));
    var under = box.top + box.height;
    ticksBetween(view.from, view.to, step).forEach(function (sec) {
      var at = x(sec);
      drawn('line', { class: 'grid', x1: at, x2: at, y1: box.top, y2: total }, picture);
      var anchor = at < box.left + 14 ? 'start' : at > box.left + box.width - 14 ? 'end' : 'middle';
      label(tickText(sec), at, under + 16, { 'text-anchor': anchor, class: 'tick' }, picture);
    });
    var unit = (manyDays() ? 'days, ' : '') + 'hours:minutes' + (data.stepSec < 60 ? ':seconds' : '');
    label('time since the start of the trace (' + unit + ')', box.left + box.width, under + 31, { 'text-anchor': 'end' }, picture);
  }

  function line(policy, rank, first, last, y, plot) {
    drawn('path', {
      class: 'line c' + policy.color + (isOwn(policy) ? ' own' : ''),
      d: stepPath(policy.ready, first, last, y),
      'stroke-dasharray': policy.dash,
      'data-line': policy.name,
    }, plot);
    /* Marks stand apart by policy, so that lines on one another can be told. */
    var marks = Math.max(3, Math.round(box.width / 170));
    for (var at = 0; at < marks; at += 1) {
      var px = box.left + ((at + 0.2 + ((rank * 0.37) % 1) * 0.75) / marks) * box.width;
      mark(policy, isOwn(policy) ? 4.5 : 4, px, y(policy.ready[stepAt(secAt(px))]), plot);
    }
  }

  function lane(policy, top, height, first, last) {
    var bottom = top + height - 3;
    drawn('rect', { class: 'lane', x: box.left, y: top, width: box.width, height: height - 3 }, picture);
    var total = 0;
    var seen = 0;
    var most = 1;
    var columns = new Map();
    for (var at = 0; at < policy.misses.length; at += 2) {
      var index = policy.misses[at];
      var missed = policy.misses[at + 1];
      total += missed;
      if (index < first || index > last) continue;
      seen += missed;
      var px = Math.round(Math.max(box.left, x(start + index * data.stepSec)));
      columns.set(px, (columns.get(px) || 0) + missed);
      most = Math.max(most, columns.get(px));
    }
    var wide = Math.max(1.5, (data.stepSec / (view.to - view.from)) * box.width);
    var path = '';
    columns.forEach(function (missed, px) {
      var high = 3 + 9 * (Math.log1p(missed) / Math.log1p(most));
      path += 'M' + px + ' ' + bottom + 'v' + (-high).toFixed(1) + 'h' + wide.toFixed(1) + 'v' + high.toFixed(1) + 'z';
    });
    mark(policy, 3.5, box.left + 9, top + 8, picture);
    var words = policy.name + ': ' + (total === 0 ? 'no misses' : requestsText(seen) + (whole() ? '' : ' of ' + requestsText(total)) + ' misses');
    label(words, box.left + 18, top + 12, { 'data-lane': policy.name }, picture);
    if (path) drawn('path', { class: 'miss c' + policy.color, d: path, 'data-misses': policy.name, 'clip-path': 'url(#plot)' }, picture);
  }

  function missesAt(policy, index) {
    for (var at = 0; at < policy.misses.length; at += 2) if (policy.misses[at] === index) return policy.misses[at + 1];
    return 0;
  }

  function readAt(index, aloud) {
    reading = index;
    var sec = start + (index + 0.5) * data.stepSec;
    cross.setAttribute('x1', x(sec));
    cross.setAttribute('x2', x(sec));
    cross.setAttribute('visibility', 'visible');
    tip.show(x(sec), box.top + 4, function (into) { fillTip(into, index); });
    if (!aloud) return;
    byId('range').textContent = clockText(start + index * data.stepSec) + ': load ' + amount(data.load[index]) + ' replicas, ' + visible().map(function (policy) {
      return policy.name + ' ' + amount(policy.ready[index] || 0) + ' ready, ' + requestsText(missesAt(policy, index)) + ' misses';
    }).join('; ');
  }

  function fillTip(into, index) {
    written('b', clockText(start + index * data.stepSec) + ' – ' + clockText(start + (index + 1) * data.stepSec), into);
    var rows = written('table', undefined, into);
    var head = written('tr', undefined, written('thead', undefined, rows));
    ['', 'replicas', 'misses'].forEach(function (text) { written('th', text, head); });
    var body = written('tbody', undefined, rows);
    var load = written('tr', undefined, body);
    ['load', amount(data.load[index]), ''].forEach(function (text) { written('td', text, load); });
    visible().forEach(function (policy) {
      var row = written('tr', undefined, body);
      var name = written('td', undefined, row);
      name.append(swatch(policy), policy.name);
      written('td', amount(policy.ready[index] || 0), row);
      written('td', requestsText(missesAt(policy, index)), row);
    });
  }

  function unread() {
    reading = null;
    tip.hide();
    if (cross) cross.setAttribute('visibility', 'hidden');
  }

  pointer();
  keys();
  buttons();
  legend();
  onWidth(host, draw);

  function local(event) { return event.clientX - picture.getBoundingClientRect().left; }

  function pointer() {
    var from = null;
    var brush = null;
    var drop = function () {
      if (brush) brush.remove();
      from = null;
      brush = null;
    };
    picture.addEventListener('pointerdown', function (event) {
      if (event.button !== 0) return;
      picture.focus({ preventScroll: true });
      picture.setPointerCapture(event.pointerId);
      unread();
      from = Math.max(box.left, Math.min(box.left + box.width, local(event)));
      brush = drawn('rect', { class: 'brush', x: from, y: box.top, width: 0, height: box.height }, picture);
    });
    picture.addEventListener('pointermove', function (event) {
      var at = Math.max(box.left, Math.min(box.left + box.width, local(event)));
      if (from === null) {
        readAt(stepAt(secAt(at)), false);
        return;
      }
      brush.setAttribute('x', Math.min(from, at));
      brush.setAttribute('width', Math.abs(at - from));
    });
    picture.addEventListener('pointerup', function (event) {
      if (from === null) return;
      var to = Math.max(box.left, Math.min(box.left + box.width, local(event)));
      var one = secAt(Math.min(from, to));
      var other = secAt(Math.max(from, to));
      var wide = Math.abs(to - from);
      drop();
      /* A click that trembles is no drag. */
      if (wide > 6) setView(one, other);
      else readAt(stepAt(secAt(to)), false);
    });
    picture.addEventListener('pointercancel', function () { drop(); unread(); });
    picture.addEventListener('pointerleave', function () { if (from === null) unread(); });
    picture.addEventListener('dblclick', function () { setView(start, end); });
    picture.addEventListener('blur', unread);
    picture.addEventListener('wheel', function (event) {
      /* The page goes on scrolling under a pointer that only passes by. */
      if (!event.ctrlKey && !event.metaKey && document.activeElement !== picture) return;
      if (Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
        event.preventDefault();
        pan(event.deltaX / box.width);
        return;
      }
      if (event.deltaY > 0 && whole() && !event.ctrlKey) return;
      event.preventDefault();
      unread();
      zoom(Math.exp(event.deltaY * (event.deltaMode === 1 ? 0.05 : 0.0016)), secAt(local(event)));
    }, { passive: false });
  }

  function keys() {
    var acts = {
      '+': function () { zoom(0.5); }, '=': function () { zoom(0.5); },
      '-': function () { zoom(2); }, '_': function () { zoom(2); },
      '0': function () { setView(start, end); }, Home: function () { setView(start, end); }, Escape: unread,
      ArrowLeft: function (shift) { move(-1, shift); }, ArrowRight: function (shift) { move(1, shift); },
    };
    function move(way, shift) {
      if (!shift) { unread(); pan(way * 0.25); return; }
      var middle = stepAt((view.from + view.to) / 2);
      var by = Math.max(1, Math.round((view.to - view.from) / data.stepSec / 200));
      var next = reading === null ? middle : reading + way * by;
      readAt(Math.max(stepAt(view.from), Math.min(stepAt(view.to - data.stepSec / 2), next)), true);
    }
    picture.addEventListener('keydown', function (event) {
      if (event.ctrlKey || event.metaKey || event.altKey || !Object.hasOwn(acts, event.key)) return;
      event.preventDefault();
      acts[event.key](event.shiftKey);
    });
  }

  function buttons() {
    byId('zoom-in').addEventListener('click', function () { zoom(0.5); });
    byId('zoom-out').addEventListener('click', function () { zoom(2); });
    byId('pan-left').addEventListener('click', function () { pan(-0.25); });
    byId('pan-right').addEventListener('click', function () { pan(0.25); });
    byId('zoom-reset').addEventListener('click', function () { setView(start, end); });
  }

  function legend() {
    var into = byId('legend');
    var entries = drawable.map(function (policy) {
      var button = written('button', undefined, into);
      button.type = 'button';
      button.append(swatch(policy), policy.name);
      button.dataset.toggle = policy.name;
      button.addEventListener('click', function () {
        shown.set(policy, !shown.get(policy));
        update();
      });
      return { policy: policy, button: button };
    });
    var all = written('button', 'Show all', into);
    all.type = 'button';
    all.addEventListener('click', function () {
      var every = entries.every(function (entry) { return shown.get(entry.policy); });
      entries.forEach(function (entry) { shown.set(entry.policy, every ? entry.policy.shown : true); });
      update();
    });
    function update() {
      refresh();
      unread();
      draw();
    }
    function refresh() {
      entries.forEach(function (entry) { entry.button.setAttribute('aria-pressed', String(shown.get(entry.policy))); });
      all.textContent = entries.every(function (entry) { return shown.get(entry.policy); }) ? 'Show fewer' : 'Show all';
    }
    refresh();
  }
}
`;
