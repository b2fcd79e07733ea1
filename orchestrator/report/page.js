// Comfort only: the page is complete without it.
'use strict';

function inWords(ms) {
  if (ms === null) {
    return 'bad';
  }
  return ms < 1000 ? `${ms.toPrecision(3)} ms` : `${(ms / 1000).toPrecision(3)} s`;
}

// The figures of the second under the pointer.
for (const chart of document.querySelectorAll('svg.probe')) {
  const points = JSON.parse(chart.dataset.points);
  const left = Number(chart.dataset.left);
  const right = Number(chart.dataset.right);
  const end = Number(chart.dataset.end);
  const output = chart.closest('figure').querySelector('output');
  const cursor = document.createElementNS('http://www.w3.org/2000/svg', 'line');
  cursor.setAttribute('class', 'cursor');
  cursor.setAttribute('y1', '4');
  cursor.setAttribute('y2', '196');

  chart.addEventListener('pointermove', (event) => {
    const box = chart.getBoundingClientRect();
    const x = (event.clientX - box.left) / box.width * chart.viewBox.baseVal.width;
    const t = (x - left) / (right - left) * end;
    const point = points.find(([from, span]) => t >= from && t < from + span);
    if (!point) {
      return;
    }
    const [from, , good, degraded, bad, p50, p99] = point;
    cursor.setAttribute('x1', x);
    cursor.setAttribute('x2', x);
    chart.append(cursor);
    const counts = `${good} good, ${degraded} degraded, ${bad} bad`;
    output.textContent =
      `+${(from / 1000).toFixed(1)} s: ${counts}, p50 ${inWords(p50)}, p99 ${inWords(p99)}`;
  });
  chart.addEventListener('pointerleave', () => {
    cursor.remove();
    output.textContent = '';
  });
}

// On paper nothing can be opened.
addEventListener('beforeprint', () => {
  for (const details of document.querySelectorAll('details')) {
    details.open = true;
  }
});
