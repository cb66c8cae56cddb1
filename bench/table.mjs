export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** A ratio is taken within each round, between neighbours in time, and its median is told: that is steadier than a ratio of two medians. */
function ratio(samples, a, b) {
  if (samples[a] === undefined || samples[b] === undefined) return '';
  return `${median(samples[a].map((value, round) => value / samples[b][round])).toFixed(2)}×`;
}

const figure = (value) => (value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2));

export function formatTable(results, clients) {
  const head = ['workload', ...clients, 'voicewire ÷ scan', 'voicewire ÷ parse', 'agents ÷ voicewire'];
  const rows = Object.values(results).map(({ title, unit, samples }) => [
    `${title}, ${unit}`,
    ...clients.map((name) => figure(median(samples[name]))),
    ratio(samples, 'voicewire', 'floor-scan'),
    ratio(samples, 'voicewire', 'floor-parse'),
    ratio(samples, 'agents-realtime', 'voicewire'),
  ]);
  return [head, head.map((_, index) => (index === 0 ? '---' : '--:')), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n');
}
