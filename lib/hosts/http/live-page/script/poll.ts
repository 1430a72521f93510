/** Script of the page, last part: asking, saying how old it is, and the start. */
export const POLL = String.raw`
var POLL_MS = 2000;
var RETRY_MS_MAX = 10000;
var ANSWER_MS_MAX = 10000;
var PROVEN_MS_MAX = 30000;

var timer;
var turn = 0;
var etag = '';
var asked = '';
var failures = 0;
var lastAnswerMs = null;
var trouble = '';
var token = readToken();

/* A browser may refuse to keep anything. */
function readToken() { try { return sessionStorage.getItem('penstock-token') || ''; } catch (error) { return ''; } }
function keepToken() { try { sessionStorage.setItem('penstock-token', token); } catch (error) { /* asked for again */ } }

async function ask(path, more) {
  var headers = Object.assign({}, more);
  if (token) headers.authorization = 'Bearer ' + token;
  var answer = await fetch(path, { headers: headers, cache: 'no-store', credentials: 'same-origin', redirect: 'error', signal: AbortSignal.timeout(ANSWER_MS_MAX) });
  var date = Date.parse(answer.headers.get('date') || '');
  /* A header tells whole seconds: half of one off on the average. */
  if (!Number.isNaN(date) && Math.abs(Date.now() - date - 500 - clockAheadMs) > 2000) clockAheadMs = Date.now() - date - 500;
  if (answer.status === 401) login();
  return answer;
}

async function poll() {
  var mine = ++turn;
  clearTimeout(timer);
  var path = 'live/fleet?' + query();
  if (path !== asked) etag = '';
  try {
    var answer = await ask(path, etag ? { 'if-none-match': etag } : {});
    if (mine !== turn) return;
    if (answer.status === 401) return;
    if (answer.status === 200) {
      var body = await answer.json();
      if (mine !== turn) return;
      view = body;
      asked = path;
      etag = answer.headers.get('etag') || '';
      answered();
      drawView();
      byId('main').hidden = false;
      readCourses();
    } else if (answer.status === 304) {
      answered();
    } else {
      await failed(answer);
    }
  } catch (error) {
    if (mine !== turn) return;
    failures += 1;
    trouble = 'The controller is not reachable' + (lastAnswerMs === null ? '.' : '; the last answer came at ' + clockText(lastAnswerMs) + '. What is below is as it was then.');
  }
  if (mine !== turn) return;
  drawState();
  if (choice.of && performance.now() - detailAsked > DETAIL_MS) readDetail();
  schedule();
}

function answered() {
  failures = 0;
  trouble = '';
  lastAnswerMs = now();
}

async function failed(answer) {
  failures += 1;
  var text = '';
  try { text = (await answer.json()).error || ''; } catch (error) { /* no JSON, no reason */ }
  trouble = (answer.status === 503 ? 'The controller answers, but cannot read its store' : 'The controller answers with ' + answer.status) + (text ? ': ' + text : '.');
}

function schedule() {
  clearTimeout(timer);
  if (document.hidden) return;
  timer = setTimeout(poll, failures === 0 ? POLL_MS : Math.min(RETRY_MS_MAX, POLL_MS * failures));
}

function pollNow() {
  if (!document.hidden) void poll();
}

/* Courses are read when rows come into view, and when a decision was recorded. */
var coursesAt = -Infinity;
var COURSES_MS_MIN = 4000;
async function readCourses() {
  var missing = view.workloads.some(function (data) { return courseOf(data.workload).recorded !== data.recorded; });
  var isFirst = view.workloads.some(function (data) { return courseOf(data.workload).recorded === undefined; });
  if (!missing || (!isFirst && performance.now() - coursesAt < COURSES_MS_MIN)) return;
  coursesAt = performance.now();
  var shown = view.workloads;
  try {
    var answer = await ask('live/history?' + query());
    if (!answer.ok) return;
    var found = await answer.json();
    shown.forEach(function (data) {
      if (!Object.hasOwn(found, data.workload)) return;
      var course = courseOf(data.workload);
      course.points = found[data.workload];
      course.recorded = data.recorded;
    });
    drawCourses();
  } catch (error) { /* the next poll says what is wrong */ }
}

function drawState() {
  var isStale = !trouble && view && (view.decidedAtMs === null || now() - view.decidedAtMs > view.staleAfterMs);
  var state = trouble ? 'away' : isStale ? 'stale' : view ? 'live' : 'connecting';
  document.body.dataset.state = state;
  put(byId('state'), { away: 'not reachable', stale: 'stale', live: 'live', connecting: 'connecting' }[state]);
  drawFreshness();
  var notes = [];
  if (trouble) notes.push(trouble);
  if (isStale) notes.push(view.decidedAtMs === null ? 'Nothing was decided yet for some of the pools.' : 'No evaluation since ' + clockText(view.decidedAtMs) + ': what is below is as of then.');
  if (view) view.pauses.forEach(function (pause) {
    notes.push((pause.kind === 'all' ? 'Everything' : pause.name) + ' is stopped by ' + pause.by + (pause.reason ? ': ' + pause.reason : '') + ', since ' + clockText(pause.atMs) + '. Decisions go on, nothing is changed.');
  });
  var place = byId('notes');
  if (!isNew(place, notes)) return;
  place.replaceChildren();
  notes.forEach(function (note) { made('p', place, '', note); });
}

function drawFreshness() {
  if (!view) return;
  var cluster = view.observedAtMs === null ? 'not seen' : 'seen ' + agoText(view.observedAtMs);
  /* Watches prove that nothing is missing every 20 s or so. */
  if (view.provenAtMs !== null && now() - view.provenAtMs > PROVEN_MS_MAX) cluster += ', proven to be whole ' + agoText(view.provenAtMs);
  put(byId('age'), 'as of ' + (view.decidedAtMs === null ? 'never' : clockText(view.decidedAtMs) + ', ' + agoText(view.decidedAtMs)) + '; cluster ' + cluster);
}

function login() {
  turn += 1;
  clearTimeout(timer);
  if (byId('detail').open) byId('detail').close();
  byId('login-note').textContent = token ? 'This token is not the right one.' : byId('login-note').textContent;
  token = '';
  keepToken();
  byId('main').hidden = true;
  byId('login').hidden = false;
  document.body.dataset.state = 'connecting';
  put(byId('state'), 'token needed');
  put(byId('age'), '');
  byId('token').focus();
}

byId('login').addEventListener('submit', function (event) {
  event.preventDefault();
  token = byId('token').value.trim();
  byId('token').value = '';
  keepToken();
  byId('login').hidden = true;
  etag = '';
  pollNow();
});

document.addEventListener('visibilitychange', function () {
  if (document.hidden) { turn += 1; clearTimeout(timer); } else pollNow();
});

/* Somebody followed a link, or went back. */
window.addEventListener('hashchange', function () {
  readChoice();
  showChoice();
  if (choice.of) openDetail(choice.of);
  else if (byId('detail').open) byId('detail').close();
  pollNow();
});

function showChoice() {
  byId('search').value = choice.search;
  byId('sort').value = choice.sort;
}

setInterval(function () {
  if (document.hidden || !view || byId('main').hidden) return;
  drawState();
  drawAges();
  drawCourses();
  if (choice.of && detailChart) drawDetailChart(byId('detail-title').textContent);
}, 1000);

readChoice();
showChoice();
theme();
tools();
detail();
if (choice.of) openDetail(choice.of);
poll();
`;
