/** Script of the page, third part: GPU-hours against misses. */
export const SCATTER = String.raw`
function scatter() {
  var host = byId('scatter');
  var points = data.policies.filter(function (policy) { return policy.gpuHours !== null && policy.sloMissCount !== null; });
  if (points.length === 0) return;
  var picture = drawn('svg', { role: 'group', 'aria-label': 'Policies by GPU-hours and misses' }, host);
  var tip = makeTip(host);
  var optimum = points.find(function (policy) { return policy.optimum; });
  onWidth(host, draw);

  function draw(width) {
    var box = { left: 72, right: 16, top: 52, height: width < 560 ? 260 : 340, lane: 44 };
    box.width = Math.max(100, width - box.left - box.right);
    var floor = box.top + box.height;
    var total = floor + box.lane + 42;
    picture.replaceChildren();
    picture.setAttribute('viewBox', '0 0 ' + width + ' ' + total);

    var hours = points.map(function (policy) { return policy.gpuHours; });
    var least = Math.min.apply(null, hours);
    var most = Math.max.apply(null, hours);
    var pad = (most - least) * 0.06 || most * 0.1 || 1;
    var from = Math.max(0, least - pad);
    var to = most + pad;
    var counts = points.map(function (policy) { return policy.sloMissCount; }).filter(function (value) { return value > 0; });
    var low = counts.length ? Math.floor(Math.log10(Math.min.apply(null, counts))) : 0;
    var high = Math.max(low + 1, counts.length ? Math.ceil(Math.log10(Math.max.apply(null, counts)) + 0.05) : 1);
    var x = function (value) { return box.left + ((value - from) / (to - from)) * box.width; };
    var y = function (value) { return value > 0 ? floor - 8 - ((Math.log10(value) - low) / (high - low)) * (box.height - 16) : floor + box.lane / 2; };

    axes(box, { x: x, y: y, from: from, to: to, low: low, high: high, floor: floor, total: total });
    var taken = [{ x: box.left + 4, y: floor - 24, w: 196, h: 20 }];
    label('↙ better: cheaper, fewer misses', box.left + 8, floor - 10, { class: 'better' }, picture);
    points.forEach(function (policy) { taken.push({ x: x(policy.gpuHours) - 7, y: y(policy.sloMissCount) - 7, w: 14, h: 14 }); });
    frontier(x, y);
    var bounds = { left: box.left + 2, right: box.left + box.width, top: box.top, bottom: floor + box.lane };
    points.slice().sort(function (one, other) { return isOwn(other) - isOwn(one); }).forEach(function (policy) {
      point(policy, x(policy.gpuHours), y(policy.sloMissCount), taken, bounds);
    });
  }

  /* Penstock at its settings of risk. */
  function frontier(x, y) {
    var own = points.filter(function (policy) { return policy.own; });
    if (own.length < 2) return;
    own.sort(function (one, other) { return one.gpuHours - other.gpuHours; });
    var path = own.map(function (policy, at) { return (at ? 'L' : 'M') + x(policy.gpuHours).toFixed(1) + ' ' + y(policy.sloMissCount).toFixed(1); });
    drawn('path', { class: 'line c1', d: path.join(''), 'data-frontier': '' }, picture);
  }

  function axes(box, scale) {
    var right = box.left + box.width;
    var bottom = scale.floor + box.lane;
    drawn('rect', { class: 'lane', x: box.left, y: scale.floor, width: box.width, height: box.lane }, picture);
    for (var power = scale.low; power <= scale.high; power += 1) {
      var at = scale.y(Math.pow(10, power));
      drawn('line', { class: 'grid', x1: box.left, x2: right, y1: at, y2: at }, picture);
      label(grouped(Math.pow(10, power), Math.max(0, -power)), box.left - 7, at + 4, { 'text-anchor': 'end' }, picture);
    }
    label('0', box.left - 7, scale.y(0) + 4, { 'text-anchor': 'end' }, picture);
    var step = niceStep(scale.to - scale.from, Math.max(3, box.width / 110));
    ticksBetween(scale.from, scale.to, step).forEach(function (value) {
      drawn('line', { class: 'grid', x1: scale.x(value), x2: scale.x(value), y1: box.top, y2: bottom }, picture);
      var anchor = scale.x(value) > right - 20 ? 'end' : 'middle';
      label(grouped(value, decimalsOf(step)), scale.x(value), bottom + 17, { 'text-anchor': anchor }, picture);
    });
    drawn('path', { class: 'axis', fill: 'none', d: 'M' + box.left + ' ' + box.top + 'V' + bottom + 'H' + right }, picture);
    label('misses, requests (logarithmic; 0 apart)', 4, 14, { class: 'strong' }, picture);
    label('GPU-hours', right, scale.total - 6, { 'text-anchor': 'end', class: 'strong' }, picture);
    if (!optimum) return;
    var line = scale.x(optimum.gpuHours);
    drawn('line', { class: 'bound-line', x1: line, x2: line, y1: box.top - 4, y2: bottom }, picture);
    /* Multiples of the optimum along the top, where GPU-hours alone say little. */
    var ratioStep = niceStep((scale.to - scale.from) / optimum.gpuHours, Math.max(2, box.width / 130));
    if (!(optimum.gpuHours > 0)) return;
    ticksBetween(Math.max(1, scale.from / optimum.gpuHours), scale.to / optimum.gpuHours, ratioStep).forEach(function (ratio) {
      var at = scale.x(ratio * optimum.gpuHours);
      drawn('line', { class: 'axis', x1: at, x2: at, y1: box.top - 4, y2: box.top }, picture);
      label(grouped(ratio, decimalsOf(ratioStep)) + ' ×', at, box.top - 7, { 'text-anchor': at > right - 16 ? 'end' : 'middle' }, picture);
    });
    if (box.width > 420) label('× optimum', right, 12, { 'text-anchor': 'end' }, picture);
  }

  function point(policy, x, y, taken, bounds) {
    var group = drawn('g', { tabindex: 0, role: 'img', 'aria-label': policy.name + ': ' + policy.facts.join('; '), 'data-point': policy.name }, picture);
    var words = drawn('text', { class: isOwn(policy) || policy.optimum ? 'strong' : '' }, group);
    words.textContent = policy.name;
    var size = { w: words.getComputedTextLength() + 2, h: 15 };
    var place = freePlace(x, y, size, taken, bounds);
    if (place.far) drawn('line', { class: 'leader', x1: x, y1: y, x2: nearest(x, place.x, size.w), y2: nearest(y, place.y, size.h) }, group);
    words.setAttribute('x', place.x);
    words.setAttribute('y', place.y + 12);
    taken.push({ x: place.x, y: place.y, w: size.w, h: size.h });
    mark(policy, isOwn(policy) || policy.optimum ? 7.5 : 6, x, y, group);
    group.append(words);
    var show = function () {
      tip.show(x, y + 10, function (into) {
        written('b', policy.name, into);
        policy.facts.forEach(function (fact) { written('div', fact, into); });
      });
    };
    group.addEventListener('pointerenter', show);
    group.addEventListener('focus', show);
    group.addEventListener('pointerleave', tip.hide);
    group.addEventListener('blur', tip.hide);
  }

  /* Right, left, below, above; then farther off, with a line to the mark. */
  function freePlace(x, y, size, taken, bounds) {
    var ways = [[1, 0], [-1, 0], [0, -1], [0, 1], [1, -1], [1, 1], [-1, -1], [-1, 1]];
    for (var reach = 0; reach < 5; reach += 1) {
      for (var at = 0; at < ways.length; at += 1) {
        var off = 11 + reach * 14;
        var way = ways[at];
        var middle = { x: x + way[0] * (off + size.w / 2), y: y + way[1] * (off + (way[0] ? 0 : 4)) };
        var spot = { x: middle.x - size.w / 2, y: middle.y - size.h / 2, w: size.w, h: size.h, far: reach > 0 };
        if (spot.x < bounds.left || spot.x + size.w > bounds.right || spot.y < bounds.top || spot.y + size.h > bounds.bottom) continue;
        if (!taken.some(function (other) { return overlap(spot, other); })) return spot;
      }
    }
    return { x: Math.min(x + 11, bounds.right - size.w), y: y - size.h / 2, far: false };
  }

  /* Of the label's edge, so that the line does not strike it through. */
  function nearest(at, from, size) { return Math.max(from - 1, Math.min(from + size + 1, at)); }

  function overlap(one, other) {
    return one.x < other.x + other.w && other.x < one.x + one.w && one.y < other.y + other.h && other.y < one.y + one.h;
  }
}
`;
