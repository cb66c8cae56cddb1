/** `0:08.580`, `1:02:03.400`: a moment of the call. `digits` after the point. */
export function showMoment(ms: number, digits = 3): string {
  const unit = 10 ** (3 - digits);
  const rounded = Math.max(0, Math.round(ms / unit) * unit);
  const [hours, minutes, seconds] = [Math.floor(rounded / 3_600_000), Math.floor(rounded / 60_000) % 60, (rounded % 60_000) / 1000];
  const last = seconds.toFixed(digits).padStart(digits === 0 ? 2 : 3 + digits, '0');
  return hours > 0 ? `${hours}:${String(minutes).padStart(2, '0')}:${last}` : `${minutes}:${last}`;
}

/** `640 ms`, `3.57 s`, `12 min 4 s`: how long something took. */
export function showLength(ms: number): string {
  if (ms < 999.5) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(ms < 9_995 ? 2 : 1)} s`;
  const seconds = Math.round(ms / 1000);
  return seconds < 3600 ? `${Math.floor(seconds / 60)} min ${seconds % 60} s` : `${Math.floor(seconds / 3600)} h ${Math.floor(seconds / 60) % 60} min`;
}

export function showCost(usd: number | 'unpriced'): string {
  if (usd === 'unpriced') return '–';
  return usd > 0 && usd < 0.1 ? `${(usd * 100).toFixed(2)}¢` : `$${usd.toFixed(2)}`;
}

export function showCount(count: number): string {
  return count.toLocaleString('en');
}
