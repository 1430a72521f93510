/** Script of the page: why a workload has the count it has, in a dialog. */
export const DETAIL = String.raw`
var detailChart;
var detailAsked = 0;
/* Read again while it is open, but not at every poll: it reads more than a row does. */
var DETAIL_MS = 10000;

function openDetail(of) {
  choice.of = of;
  writeChoice();
  var dialog = byId('detail');
  put(byId('detail-title'), of);
  put(byId('detail-headline'), 'Reading…');
  put(byId('detail-about'), '');
  ['detail-rows', 'detail-steps', 'detail-decisions', 'detail-chart'].forEach(function (id) { byId(id).replaceChildren(); byId(id).shown = undefined; });
  detailChart = undefined;
  if (!dialog.open) dialog.showModal();
  dialog.scrollTop = 0;
  readDetail();
}

async function readDetail() {
  var of = choice.of;
  if (!of) return;
  detailAsked = performance.now();
  try {
    var answer = await ask('live/explain?' + new URLSearchParams({ of: of }));
    if (choice.of !== of) return;
    var body = await answer.json();
    if (choice.of !== of) return;
    if (answer.ok) drawDetail(body);
    else put(byId('detail-headline'), body.error || 'No answer.');
  } catch (error) {
    if (choice.of === of) put(byId('detail-about'), 'The controller did not answer.');
  }
}

function drawDetail(found) {
  put(byId('detail-title'), found.workload);
  put(byId('detail-headline'), found.headline);
  put(byId('detail-about'), found.about);
  if (isNew(byId('detail-rows'), found.rows)) drawWhy(byId('detail-rows'), found.rows);
  var steps = found.steps.map(function (step) {
    return { name: step.rule, move: (step.from === null ? '' : figure(step.from) + ' → ') + figure(step.to) + ' ' + step.unit, text: step.because };
  });
  if (isNew(byId('detail-steps'), steps)) drawWhy(byId('detail-steps'), steps);
  drawDecisions(byId('detail-decisions'), found.decisions, false);
  var course = courseOf(found.workload);
  course.points = found.course;
  drawDetailChart(found.workload);
}

function drawWhy(list, lines) {
  list.replaceChildren();
  lines.forEach(function (line) {
    made('dt', list, '', line.name);
    if (line.move) made('dd', list, 'count', line.move);
    made('dd', list, line.move ? '' : 'wide', line.text);
  });
}

function drawDetailChart(workload) {
  var place = byId('detail-chart');
  if (!detailChart) {
    detailChart = chart(place, '', 190);
    detailChart.axis = made('div', place, 'axis');
    detailChart.from = made('span', detailChart.axis);
    made('span', detailChart.axis, '', 'blue: wanted, dashed: ready, grey: load in replicas');
    detailChart.until = made('span', detailChart.axis);
  }
  var from = sharedFrom([workload]);
  var top = plot(detailChart, workload, from, true).top;
  put(detailChart.from, clockText(from));
  put(detailChart.until, 'now, top ' + figure(top));
}

function detail() {
  var dialog = byId('detail');
  byId('close').addEventListener('click', function () { dialog.close(); });
  dialog.addEventListener('click', function (event) { if (event.target === dialog) dialog.close(); });
  dialog.addEventListener('close', function () {
    var row = rows.get(choice.of);
    choice.of = '';
    writeChoice();
    if (row) row.tr.querySelector('button').focus();
  });
}
`;
