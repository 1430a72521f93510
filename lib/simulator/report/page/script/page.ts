/** Script of the page, last part: sorting, and the start. */
export const PAGE = String.raw`
function sorting() {
  var table = byId('figures');
  var heads = Array.from(table.tHead.rows[0].cells);
  heads.forEach(function (head, column) {
    head.querySelector('button').addEventListener('click', function () {
      var way = head.getAttribute('aria-sort') === 'ascending' ? -1 : 1;
      heads.forEach(function (other) { other.setAttribute('aria-sort', 'none'); });
      head.setAttribute('aria-sort', way === 1 ? 'ascending' : 'descending');
      var rows = Array.from(table.tBodies[0].rows);
      rows.sort(function (one, other) { return compare(one.cells[column].dataset.value, other.cells[column].dataset.value, way, column > 0); });
      table.tBodies[0].append.apply(table.tBodies[0], rows);
    });
  });
}

/* What has no value comes last either way. */
function compare(one, other, way, numeric) {
  if (one === other) return 0;
  if (one === '') return 1;
  if (other === '') return -1;
  if (numeric) return way * (Number(one) - Number(other));
  return way * (one < other ? -1 : 1);
}

function swatches() {
  document.querySelectorAll('.swatch').forEach(function (place) {
    var policy = data.policies.find(function (candidate) { return candidate.name === place.dataset.policy; });
    if (policy) place.append(swatch(policy));
  });
}

theme();
sorting();
swatches();
timeline();
scatter();
document.documentElement.dataset.ready = 'true';
`;
