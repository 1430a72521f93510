/** Script of the page, first part: elements, texts, numbers, times, and what is chosen. Texts go in as text, never as HTML. */
export const BASE = String.raw`
var SVG = 'http://www.w3.org/2000/svg';

function byId(id) { return document.getElementById(id); }

/* Control and format characters could turn the direction of writing. */
function clean(text) { return String(text).replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, ' '); }

function put(element, text) {
  var wanted = clean(text);
  if (element.textContent !== wanted) element.textContent = wanted;
  return element;
}

function set(element, name, value) {
  if (element.getAttribute(name) !== value) element.setAttribute(name, value);
  return element;
}

function made(name, parent, look, text) {
  var element = document.createElement(name);
  if (look) element.className = look;
  if (text !== undefined) put(element, text);
  if (parent) parent.appendChild(element);
  return element;
}

function drawn(name, parent, look) {
  var element = document.createElementNS(SVG, name);
  if (look) element.setAttribute('class', look);
  if (parent) parent.appendChild(element);
  return element;
}

/* 24210 → 24,210; 0.01234 → 0.0123. */
function figure(value) {
  if (value === null || value === undefined) return '?';
  return Math.abs(value) >= 1000 ? Math.round(value).toLocaleString('en') : String(Number(value.toPrecision(3)));
}

function plural(count, noun) { return count.toLocaleString('en') + ' ' + noun + (count === 1 ? '' : 's'); }

function spanText(ms) {
  var sec = Math.max(0, Math.round(ms / 1000));
  if (sec < 100) return sec + ' s';
  if (sec < 5400) return Math.round(sec / 60) + ' min';
  if (sec < 172800) return Math.round(sec / 3600) + ' h';
  return Math.round(sec / 86400) + ' d';
}

function agoText(atMs) { return atMs === null ? 'never' : spanText(now() - atMs) + ' ago'; }

function two(value) { return (value < 10 ? '0' : '') + value; }

/* 14:05:09 of today, with the day when it is another one. */
function clockText(atMs) {
  var at = new Date(atMs);
  var text = two(at.getHours()) + ':' + two(at.getMinutes()) + ':' + two(at.getSeconds());
  var isToday = at.toDateString() === new Date(now()).toDateString();
  return isToday ? text : at.getFullYear() + '-' + two(at.getMonth() + 1) + '-' + two(at.getDate()) + ' ' + text;
}

function timeOf(atMs, parent) {
  var element = made('time', parent, '', clockText(atMs));
  element.dateTime = new Date(atMs).toISOString();
  return element;
}

/* Of the server: this machine's clock may be wrong. */
var clockAheadMs = 0;
function now() { return Date.now() - clockAheadMs; }

/* What is chosen is in the address after #, which is sent to nobody: it can be kept and passed on. */
var choice = { search: '', show: 'all', sort: 'attention', page: 0, of: '' };

function readChoice() {
  var given = new URLSearchParams(location.hash.slice(1));
  choice.search = (given.get('search') || '').slice(0, 100);
  choice.show = oneOf(given.get('show'), Array.from(document.querySelectorAll('[data-show]'), function (button) { return button.dataset.show; }));
  choice.sort = oneOf(given.get('sort'), Array.from(byId('sort').options, function (option) { return option.value; }));
  choice.page = Math.min(100000, Math.max(0, Math.floor(Number(given.get('page')) || 0)));
  choice.of = (given.get('of') || '').slice(0, 253);
}

function oneOf(text, allowed) { return allowed.indexOf(text) < 0 ? allowed[0] : text; }

function writeChoice() {
  var kept = new URLSearchParams();
  if (choice.search) kept.set('search', choice.search);
  if (choice.show !== 'all') kept.set('show', choice.show);
  if (choice.sort !== 'attention') kept.set('sort', choice.sort);
  if (choice.page > 0) kept.set('page', String(choice.page));
  if (choice.of) kept.set('of', choice.of);
  history.replaceState(null, '', '#' + kept.toString());
}

function query() {
  return new URLSearchParams({ search: choice.search, show: choice.show, sort: choice.sort, page: String(choice.page) }).toString();
}
`;
