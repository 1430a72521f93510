/** Script of the page: the head, alerts, node groups, decisions, and the tools over the list. */
export const FLEET = String.raw`
/* The last answer; undefined before the first. */
var view;

function drawView() {
  drawTiles(view.totals, view);
  drawAlerts(view);
  drawTools(view);
  drawRows(view);
  drawGroups(view);
  drawDecisions(byId('decisions'), view.decisions, true);
  put(byId('foot'), 'Policies ' + view.policyVersion + '. ' + plural(view.jobs, 'job') + ' in the action queue, ' + plural(view.outbox, 'message') + ' waiting for Kafka.');
  drawAges();
  var title = (view.alertCount > 0 ? '(' + view.alertCount + ') ' : '') + 'Penstock';
  if (document.title !== title) document.title = title;
}

function drawTiles(totals, view) {
  tile('workloads', totals.workloads.toLocaleString('en'), totals.unseen > 0 ? totals.unseen.toLocaleString('en') + ' not observed' : 'all observed');
  tile('replicas', totals.replicas.ready.toLocaleString('en') + '/' + totals.replicas.wanted.toLocaleString('en'), totals.replicas.missing > 0 ? totals.replicas.missing.toLocaleString('en') + ' on the way' : 'ready/wanted');
  tile('nodes', totals.nodes.ready.toLocaleString('en') + '/' + totals.nodes.wanted.toLocaleString('en'), 'ready/wanted');
  var price = totals.usdPerHour;
  tile('price', price === null ? '–' : price.now.toFixed(2) + ' USD/h', price === null ? 'no price in the policies' : price.wanted.toFixed(2) + ' as wanted');
  var modes = Object.keys(totals.modes).sort().map(function (mode) { return totals.modes[mode].toLocaleString('en') + ' ' + mode; });
  var isStopped = view.pauses.some(function (pause) { return pause.kind === 'all'; });
  tile('mode', isStopped ? 'stopped' : view.pauseCount > 0 ? view.pauseCount + ' stopped' : 'running', modes.join(', '));
}

function tile(id, text, more) {
  put(byId(id), text);
  put(byId(id + '-more'), more);
}

function drawAlerts(view) {
  put(byId('alert-count'), view.alertCount.toLocaleString('en'));
  var list = byId('alerts');
  if (!isNew(list, view.alerts)) return;
  list.replaceChildren();
  if (view.alerts.length === 0) made('li', list, 'dim', 'None.');
  view.alerts.forEach(function (alert) {
    var item = made('li', list);
    made('span', item, 'tag ' + (ALERT_LOOKS[alert.severity] || 'warn'), alert.severity);
    made('b', item, '', alert.title);
    item.append(' ');
    made('small', item, '', 'since ' + clockText(alert.sinceMs) + ', ' + alert.doc);
    made('p', item, '', alert.detail);
  });
  if (view.alertCount > view.alerts.length) made('li', list, 'dim', 'and ' + (view.alertCount - view.alerts.length) + ' more');
}

/* Lists that change seldom are made anew only then. */
function isNew(place, data) {
  var text = JSON.stringify(data);
  if (place.shown === text) return false;
  place.shown = text;
  return true;
}

function drawTools(view) {
  document.querySelectorAll('[data-show]').forEach(function (button) {
    set(button, 'aria-pressed', String(button.dataset.show === choice.show));
    put(button.querySelector('.n'), view.counts[button.dataset.show].toLocaleString('en'));
  });
  if (byId('sort').value !== choice.sort) byId('sort').value = choice.sort;
  var pager = document.querySelector('.pager');
  pager.hidden = view.pages < 2;
  byId('back').disabled = view.page === 0;
  byId('next').disabled = view.page >= view.pages - 1;
  put(byId('pages'), 'page ' + (view.page + 1) + ' of ' + view.pages + ', ' + plural(view.counts[choice.show], 'workload'));
}

function drawGroups(view) {
  byId('groups-section').hidden = view.nodeGroupCount === 0;
  put(byId('groups-more'), view.nodeGroupCount > view.nodeGroups.length ? 'and ' + (view.nodeGroupCount - view.nodeGroups.length) + ' more' : '');
  var body = byId('groups');
  if (!isNew(body, view.nodeGroups)) return;
  body.replaceChildren();
  view.nodeGroups.forEach(function (group) {
    var tr = made('tr', body);
    tr.setAttribute('role', 'row');
    made('b', cell(tr), '', group.nodeGroup);
    put(cell(tr, 'count'), (group.ready === null ? '?' : group.ready) + '/' + (group.wanted === null ? '?' : group.wanted) + ' ready');
    put(cell(tr, 'dim'), (group.current === null ? '' : 'desired ' + group.current + ', ') + 'max ' + group.max);
    put(cell(tr, 'dim'), group.ownership + ', ' + group.mode + (group.usdPerHourEach === null ? '' : ', ' + group.usdPerHourEach + ' USD/h each'));
    groupState(cell(tr, 'all'), group);
  });
}

var TROUBLES = {
  noCapacity: 'no capacity', quotaReached: 'quota reached', noAddresses: 'no free addresses',
  launchFault: 'launch fails', neverJoins: 'nodes never join', withoutGpus: 'nodes without GPUs'
};

function groupState(place, group) {
  if (group.paused) made('div', place, 'bad', 'stopped by the kill switch');
  if (group.shortage !== null) made('div', place, 'bad', (TROUBLES[group.trouble] || group.trouble) + ': ' + group.shortage + (group.backoffUntilMs === null ? '' : '; asked again at ' + clockText(group.backoffUntilMs)));
  else if (group.backoffUntilMs !== null) made('div', place, 'warn', 'asked again at ' + clockText(group.backoffUntilMs));
  if (group.drainingCount > 0) {
    var more = group.drainingCount - group.draining.length;
    made('div', place, 'warn', 'draining ' + group.draining.join(', ') + (more > 0 ? ' and ' + more + ' more' : ''));
  }
  if (place.children.length === 0) made('div', place, 'dim', group.doing === null ? 'idle' : group.doing);
}

function drawDecisions(list, decisions, named) {
  if (!isNew(list, decisions)) return;
  list.replaceChildren();
  if (decisions.length === 0) made('li', list, 'dim', 'None yet.');
  decisions.forEach(function (decision) {
    var item = made('li', list);
    timeOf(decision.atMs, item);
    var link = made('button', item, 'link', named ? decision.workload : decision.id);
    link.type = 'button';
    link.addEventListener('click', function () { openDetail(decision.id); });
    var isSame = decision.from === decision.to;
    made('span', item, 'move' + (isSame ? ' dim' : ''), isSame ? 'stays ' + decision.to : (decision.from === null ? '?' : decision.from) + ' → ' + decision.to);
    item.append(clean(decision.because));
    if (decision.mode !== 'act') { item.append(' '); made('span', item, 'tag dim', decision.mode); }
  });
}

function tools() {
  var waiting;
  byId('search').addEventListener('input', function () {
    clearTimeout(waiting);
    waiting = setTimeout(function () { chooseNow({ search: byId('search').value, page: 0 }); }, 200);
  });
  document.querySelectorAll('[data-show]').forEach(function (button) {
    button.addEventListener('click', function () { chooseNow({ show: button.dataset.show, page: 0 }); });
  });
  byId('sort').addEventListener('change', function () { chooseNow({ sort: byId('sort').value, page: 0 }); });
  byId('back').addEventListener('click', function () { chooseNow({ page: Math.max(0, view.page - 1) }); });
  byId('next').addEventListener('click', function () { chooseNow({ page: view.page + 1 }); });
}

function chooseNow(change) {
  Object.assign(choice, change);
  writeChoice();
  pollNow();
}
`;
