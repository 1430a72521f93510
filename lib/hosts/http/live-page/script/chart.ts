/** Script of the page: the course of a workload, small in its row and large in its explanation. */
export const CHART = String.raw`
var SPAN_MS_MAX = 6 * 3600000;
var SPAN_MS_MIN = 120000;
/* Points seen while the page is open: ten minutes at every poll. */
var SEEN_MAX = 300;

/* By workload: recorded points from the server, and those seen since. */
var courses = new Map();
var COURSES_MAX = 1000;

function courseOf(workload) {
  var course = courses.get(workload);
  if (!course) {
    course = { recorded: undefined, points: [], seen: [] };
    courses.set(workload, course);
    if (courses.size > COURSES_MAX) courses.delete(courses.keys().next().value);
  }
  return course;
}

function see(workload, point) {
  if (!point) return;
  var seen = courseOf(workload).seen;
  var last = seen[seen.length - 1];
  if (last && last.atMs >= point.atMs) return;
  seen.push(point);
  if (seen.length > SEEN_MAX) seen.shift();
}

function pointsOf(workload) {
  var course = courseOf(workload);
  var last = course.points[course.points.length - 1];
  return course.points.concat(course.seen.filter(function (point) { return !last || point.atMs > last.atMs; }));
}

/* One time axis for all rows, so that they can be compared: up to six hours, as far as anything is known. */
function sharedFrom(workloads) {
  var first = now() - SPAN_MS_MIN;
  workloads.forEach(function (workload) {
    var points = pointsOf(workload);
    if (points.length > 0) first = Math.min(first, points[0].atMs);
  });
  return Math.max(now() - SPAN_MS_MAX, first);
}

/* The last point before the axis begins is where the line comes from. */
function within(points, from) {
  var at = 0;
  while (at + 1 < points.length && points[at + 1].atMs <= from) at += 1;
  return points.slice(at);
}

function chart(parent, look, height) {
  var svg = drawn('svg', parent, look);
  svg.setAttribute('viewBox', '0 0 600 ' + height);
  svg.setAttribute('preserveAspectRatio', 'none');
  svg.setAttribute('role', 'img');
  return { svg: svg, height: height, area: drawn('path', svg, 'area'), ready: drawn('path', svg, 'ready'), line: drawn('path', svg, 'line') };
}

function plot(place, workload, from, withReady) {
  var until = now();
  var points = within(pointsOf(workload), from);
  var top = points.reduce(function (most, point) { return Math.max(most, point.wanted, point.load || 0, withReady ? point.ready || 0 : 0); }, 1);
  function x(atMs) { return (Math.max(0, Math.min(1, (atMs - from) / (until - from))) * 600).toFixed(1); }
  function y(value) { return (place.height - 2 - (value / top) * (place.height - 4)).toFixed(1); }
  function steps(of) {
    var path = '';
    points.forEach(function (point, at) {
      var value = of(point);
      if (value === null) return;
      var end = at + 1 < points.length ? points[at + 1].atMs : until;
      var isNew = path === '' || of(points[at - 1]) === null;
      path += (isNew ? 'M' : 'L') + x(point.atMs) + ' ' + y(value) + 'H' + x(end);
    });
    return path;
  }
  function loads() {
    var path = '';
    var open = null;
    points.forEach(function (point, at) {
      if (point.load === null) return;
      if (open === null) { open = x(point.atMs); path += 'M' + open + ' ' + y(0); }
      path += 'L' + x(point.atMs) + ' ' + y(point.load);
      var next = points[at + 1];
      if (next && next.load !== null) return;
      var end = x(next ? next.atMs : until);
      path += 'H' + end + 'V' + y(0) + 'Z';
      open = null;
    });
    return path;
  }
  set(place.area, 'd', loads());
  set(place.line, 'd', steps(function (point) { return point.wanted; }));
  set(place.ready, 'd', withReady ? steps(function (point) { return point.ready; }) : '');
  set(place.svg, 'aria-label', courseText(points, until - from));
  return { top: top, points: points };
}

function rangeText(values) {
  if (values.length === 0) return 'not known';
  var least = Math.min.apply(null, values);
  var most = Math.max.apply(null, values);
  return least === most ? figure(least) : figure(least) + ' to ' + figure(most);
}

function courseText(points, span) {
  if (points.length === 0) return 'no decisions yet';
  var loads = points.filter(function (point) { return point.load !== null; }).map(function (point) { return point.load; });
  var wanted = points.map(function (point) { return point.wanted; });
  return 'last ' + spanText(span) + ': wanted ' + rangeText(wanted) + ' replicas, load ' + rangeText(loads) + ' replicas';
}
`;
