/** Script of the page, first part: elements, numbers, scales, marks. Plain JavaScript for browsers; texts go in as text, never as HTML. */
export const BASE = String.raw`
var SVG = 'http://www.w3.org/2000/svg';
var data = JSON.parse(document.getElementById('data').textContent);

function byId(id) { return document.getElementById(id); }

function drawn(name, attributes, parent) {
  var element = document.createElementNS(SVG, name);
  for (var key in attributes) element.setAttribute(key, attributes[key]);
  if (parent) parent.appendChild(element);
  return element;
}

function written(name, text, parent) {
  var element = document.createElement(name);
  if (text !== undefined) element.textContent = text;
  if (parent) parent.appendChild(element);
  return element;
}

function label(text, x, y, more, parent) {
  var element = drawn('text', Object.assign({ x: x, y: y }, more), parent);
  element.textContent = text;
  return element;
}

function grouped(value, decimals) {
  var parts = Math.abs(value).toFixed(decimals || 0).split('.');
  var whole = parts[0].replace(/\B(?=(\d{3})+$)/g, ',');
  return (value < 0 ? '−' : '') + whole + (parts[1] ? '.' + parts[1] : '');
}

/* Three digits or so: replicas under the pointer. */
function amount(value) {
  return grouped(value, Number.isInteger(value) || value >= 100 ? 0 : value >= 10 ? 1 : 2);
}

/* Requests of a fluid come in fractions. */
function requestsText(value) { return value > 0 && value < 0.5 ? '<1' : grouped(value); }

/* 1, 2 or 5 times a power of ten, so that about "wanted" steps fill the span. */
function niceStep(span, wanted) {
  var raw = span / Math.max(1, wanted);
  var power = Math.pow(10, Math.floor(Math.log10(raw)));
  var times = raw / power;
  return power * (times <= 1 ? 1 : times <= 2 ? 2 : times <= 5 ? 5 : 10);
}

function decimalsOf(step) { return Math.max(0, -Math.floor(Math.log10(step) + 1e-9)); }

function ticksBetween(from, to, step) {
  var ticks = [];
  for (var at = Math.ceil(from / step - 1e-9); at * step <= to + step * 1e-9; at += 1) ticks.push(at * step);
  return ticks;
}

var TIME_STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800, 604800];

function timeStep(span, wanted) {
  for (var at = 0; at < TIME_STEPS.length; at += 1) if (span / TIME_STEPS[at] <= wanted) return TIME_STEPS[at];
  return Math.ceil(span / wanted / 604800) * 604800;
}

function two(value) { return (value < 10 ? '0' : '') + value; }

/* 1 d 06:00; with seconds where a value stands for less than a minute. */
function clockText(sec) {
  var fine = data.stepSec < 60;
  var whole = fine ? Math.round(sec) : Math.round(sec / 60) * 60;
  var day = Math.floor(whole / 86400);
  var rest = whole - day * 86400;
  var text = two(Math.floor(rest / 3600)) + ':' + two(Math.floor((rest % 3600) / 60));
  if (fine) text += ':' + two(rest % 60);
  return manyDays() || day > 0 ? day + ' d ' + text : text;
}

function manyDays() { return data.fromSec + data.load.length * data.stepSec > 86400; }

/* Ticks a minute or more apart need no seconds. */
function tickText(sec, step) {
  var whole = Math.round(sec);
  if (manyDays() && whole % 86400 === 0) return whole / 86400 + ' d';
  var text = clockText(whole).replace(/^\d+ d /, '');
  return step < 60 ? text : text.slice(0, 5);
}

function spanText(sec) {
  var units = [[86400, 'd'], [3600, 'h'], [60, 'min'], [1, 's']];
  for (var at = 0; at < units.length; at += 1) {
    if (sec >= units[at][0] || at === 3) {
      var value = sec / units[at][0];
      return (Math.abs(value - Math.round(value)) < 0.05 ? Math.round(value) : value.toFixed(1)) + ' ' + units[at][1];
    }
  }
}

function polygon(corners, radius, turn) {
  var path = '';
  for (var at = 0; at < corners; at += 1) {
    var angle = turn + (at * 2 * Math.PI) / corners;
    path += (at ? 'L' : 'M') + (radius * Math.cos(angle)).toFixed(2) + ' ' + (radius * Math.sin(angle)).toFixed(2);
  }
  return path + 'Z';
}

function starPath(radius) {
  var path = '';
  for (var at = 0; at < 10; at += 1) {
    var reach = at % 2 ? radius * 0.45 : radius * 1.25;
    var angle = -Math.PI / 2 + (at * Math.PI) / 5;
    path += (at ? 'L' : 'M') + (reach * Math.cos(angle)).toFixed(2) + ' ' + (reach * Math.sin(angle)).toFixed(2);
  }
  return path + 'Z';
}

function markPath(marker, r) {
  var c = (r * 0.85).toFixed(2);
  if (marker === 'star') return starPath(r);
  if (marker === 'square') return polygon(4, r * 1.2, Math.PI / 4);
  if (marker === 'diamond') return polygon(4, r * 1.25, 0);
  if (marker === 'triangle') return polygon(3, r * 1.25, -Math.PI / 2);
  if (marker === 'wedge') return polygon(3, r * 1.25, Math.PI / 2);
  if (marker === 'hexagon') return polygon(6, r * 1.1, 0);
  if (marker === 'plus') return 'M-' + r + ' 0H' + r + 'M0-' + r + 'V' + r;
  if (marker === 'cross') return 'M-' + c + '-' + c + 'L' + c + ' ' + c + 'M-' + c + ' ' + c + 'L' + c + '-' + c;
  return 'M' + -r + ' 0a' + r + ' ' + r + ' 0 1 0 ' + 2 * r + ' 0a' + r + ' ' + r + ' 0 1 0 ' + -2 * r + ' 0Z';
}

function mark(policy, r, x, y, parent) {
  var bare = policy.marker === 'plus' || policy.marker === 'cross';
  return drawn('path', {
    class: 'mark c' + policy.color + (bare ? ' bare' : policy.hollow ? ' hollow' : ''),
    d: markPath(policy.marker, r),
    transform: 'translate(' + x.toFixed(1) + ' ' + y.toFixed(1) + ')',
  }, parent);
}

function isOwn(policy) { return policy.name === 'penstock'; }

/* A piece of the policy's line with its mark on it. */
function swatch(policy) {
  var picture = drawn('svg', { width: 34, height: 14, viewBox: '0 0 34 14', 'aria-hidden': 'true' });
  var line = { class: 'line c' + policy.color + (isOwn(policy) ? ' own' : ''), d: 'M1 7H33', 'stroke-dasharray': policy.dash };
  drawn('path', line, picture);
  mark(policy, 4.5, 17, 7, picture);
  return picture;
}

/* A box that follows the pointer and stays inside the window. */
function makeTip(host) {
  var box = written('div', undefined, host);
  box.className = 'tip';
  box.hidden = true;
  return {
    show: function (x, y, fill) {
      box.replaceChildren();
      fill(box);
      box.hidden = false;
      var left = x + 14 + box.offsetWidth > host.clientWidth ? x - 14 - box.offsetWidth : x + 14;
      box.style.transform = 'translate(' + Math.round(Math.max(0, Math.min(left, host.clientWidth - box.offsetWidth))) + 'px,' + Math.round(Math.max(0, y)) + 'px)';
    },
    hide: function () { box.hidden = true; },
  };
}

/* Draws now, and again whenever the host's width changes. */
function onWidth(host, draw) {
  var last = 0;
  var check = function () {
    var width = Math.floor(host.clientWidth);
    if (width === last || width === 0) return;
    last = width;
    draw(width);
  };
  check();
  if (window.ResizeObserver) new ResizeObserver(check).observe(host);
  else window.addEventListener('resize', check);
}
`;
