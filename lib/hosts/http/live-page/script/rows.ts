/** Script of the page: one page of workloads. Rows are kept by name, so that what has the focus keeps it. */
export const ROWS = String.raw`
var rows = new Map();

function cell(row, look) {
  var element = made('td', row, look);
  element.setAttribute('role', 'cell');
  return element;
}

function rowOf(workload) {
  if (rows.has(workload)) return rows.get(workload);
  var tr = document.createElement('tr');
  tr.setAttribute('role', 'row');
  var first = cell(tr);
  var link = made('button', first, 'link', workload);
  link.type = 'button';
  link.addEventListener('click', function () { openDetail(workload); });
  var under = made('div', first);
  var replicas = cell(tr);
  var row = {
    tr: tr,
    tags: made('span', under),
    target: made('small', under),
    count: made('span', replicas, 'count'),
    limits: made('div', replicas, 'dim'),
    chart: chart(cell(tr, 'all'), 'spark', 40),
    load: cell(tr),
    decided: cell(tr, 'dim'),
    because: made('div', cell(tr, 'all'), 'brief')
  };
  rows.set(workload, row);
  return row;
}

function tags(place, list) {
  var wanted = list.map(function (tag) { return tag[0] + tag[1]; }).join();
  if (place.dataset.tags === wanted) return;
  place.dataset.tags = wanted;
  place.replaceChildren();
  list.forEach(function (tag) { made('span', place, 'tag ' + tag[1], tag[0]); place.append(' '); });
}

var ALERT_LOOKS = { critical: 'bad', warning: 'warn', info: 'dim' };

function drawRow(data) {
  var row = rowOf(data.workload);
  var list = [];
  if (data.alert) list.push([data.alert, ALERT_LOOKS[data.alert] || 'warn']);
  if (data.paused) list.push(['stopped', 'bad']);
  if (data.mode !== 'act') list.push([data.mode, 'dim']);
  tags(row.tags, list);
  put(row.target, data.target.replace(/^Deployment /, '') + (data.pool === 'default' ? '' : ', pool ' + data.pool));
  var isShort = data.mode === 'act' && data.ready !== null && data.wanted !== null && data.ready < data.wanted;
  put(row.count, (data.ready === null ? '?' : data.ready) + '/' + (data.wanted === null ? '?' : data.wanted) + ' ready');
  row.count.className = 'count' + (isShort ? ' warn' : '');
  put(row.limits, 'limits ' + data.min + '–' + data.max + (data.current !== null && data.current !== data.wanted ? ', now ' + data.current : ''));
  put(row.load, data.inputs.map(function (input) { return input.signal + ' ' + figure(input.value); }).join(', ') || '–');
  row.decidedAtMs = data.decidedAtMs;
  put(row.because, data.unseen !== null ? 'not observed: ' + data.unseen : data.because === null ? 'not decided yet' : data.because);
  row.because.className = 'brief' + (data.unseen !== null ? ' bad' : '');
  set(row.because, 'title', row.because.textContent);
  see(data.workload, data.point);
  return row;
}

function drawRows(view) {
  var names = view.workloads.map(function (data) { return data.workload; });
  var body = byId('rows');
  view.workloads.forEach(function (data, at) {
    var tr = drawRow(data).tr;
    if (body.children[at] !== tr) body.insertBefore(tr, body.children[at] || null);
  });
  while (body.children.length > names.length) body.lastChild.remove();
  var shown = new Set(names);
  rows.forEach(function (row, name) { if (!shown.has(name)) rows.delete(name); });
  byId('none').hidden = names.length > 0;
  drawCourses();
}

function drawCourses() {
  if (!view) return;
  var names = view.workloads.map(function (data) { return data.workload; });
  var from = sharedFrom(names);
  names.forEach(function (name) {
    var row = rows.get(name);
    if (row) plot(row.chart, name, from, false);
  });
  put(byId('span'), 'Load and wanted, last ' + spanText(now() - from));
}

function drawAges() {
  rows.forEach(function (row) { put(row.decided, row.decidedAtMs === null ? 'never' : agoText(row.decidedAtMs)); });
}
`;
