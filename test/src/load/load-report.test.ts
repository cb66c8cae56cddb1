import { describe, expect, it } from 'vitest';
import { kneeSvg, kneeText, loadReport, reportLines } from '../../../src/load/index.js';
import type { LoadResult } from '../../../src/load/index.js';
import { FrameLateness } from '../../../src/load/frame-lateness.js';
import { Histogram } from '../../../src/load/histogram.js';

function histogram(...values: number[]): Histogram {
  const made = new Histogram();
  for (const value of values) made.add(value);
  return made;
}

function result(changed: Partial<LoadResult> = {}): LoadResult {
  const levels = [10, 20, 30].map((calls) => ({ calls, frames: 100, latenessP99Ms: calls === 30 ? 45 : 3 }));
  return { calls: 30, elapsedMs: 20_000, stopped: false, peakCalls: 30, dials: 30, doneCalls: 30, errors: {}, callMs: 400_000, lateness: histogram(0, 2, 40), latency: histogram(700, 800, 900), levels, loopDelayP99Ms: 2, server: { cpuMs: 4_000, callMs: 400_000, memoryBytesPerCall: 65_536 }, ...changed };
}

const bytes = { sent: 19_200_000, received: 9_600_000 };

describe('the verdict', () => {
  it('passes what keeps every limit that was given, and no other', () => {
    expect(loadReport(result(), bytes, { errors: 0 }, 20)).toMatchObject({ verdict: 'passed', reasons: [] });
    expect(loadReport(result(), bytes, { errors: 0, latencyP95Ms: 900, latenessMs: 40 }, 40).verdict).toBe('passed');
  });

  it.each([
    ['the latency', { errors: 0, latencyP95Ms: 899 }, {}, 'The p95 of the latency is 900 ms, and 899 ms are allowed.'],
    ['the lateness', { errors: 0, latenessMs: 39 }, {}, 'The p99 of the lateness is 40 ms, and 39 ms are allowed.'],
    ['errors', { errors: 2 }, { errors: { GATEWAY_REFUSED: 2, CALLER_TIMEOUT: 1 } }, '3 errors, and 2 are allowed: 2 GATEWAY_REFUSED, 1 CALLER_TIMEOUT.'],
    ['no answer', { errors: 0, latencyP95Ms: 900 }, { latency: histogram() }, 'No answer was heard, so that its latency is not known.'],
    ['no sound', { errors: 0, latenessMs: 900 }, { lateness: histogram() }, 'No sound came, so that its lateness is not known.'],
  ] as const)('fails for %s, and says by how much', (_name, limits, changed, reason) => {
    expect(loadReport(result(changed as Partial<LoadResult>), bytes, limits, 20)).toMatchObject({ verdict: 'failed', reasons: [reason] });
  });

  it('is invalid when the load generator was late itself, whatever the numbers are', () => {
    const late = loadReport(result({ loopDelayP99Ms: 20.1 }), bytes, { errors: 0, latencyP95Ms: 10 }, 20);
    expect(late.verdict).toBe('invalid');
    expect(late.reasons.at(-1)).toContain('did not keep up: its event loop was 20.1 ms late');
    expect(reportLines(late).join('\n')).toContain('DID NOT KEEP UP');
    expect(loadReport(result({ loopDelayP99Ms: 20 }), bytes, { errors: 0 }, 20).verdict).toBe('passed');
  });

  it('a server that refuses fails, also with a late generator; a stopped run is not judged', () => {
    expect(loadReport(result({ loopDelayP99Ms: 99, errors: { GATEWAY_REFUSED: 1 } }), bytes, { errors: 0 }, 20).verdict).toBe('failed');
    expect(loadReport(result({ stopped: true }), bytes, { errors: 0, latencyP95Ms: 1 }, 20).verdict).toBe('stopped');
  });
});

it('has no numbers for what did not take place', () => {
  const text = reportLines(loadReport(result({ lateness: histogram(), latency: histogram(), levels: [], peakCalls: 0 }), bytes, { errors: 0 }, 20)).join('\n');
  expect(text).toMatch(/first sound, ms +none {2}\(0 answers\)\n.*frames, ms +none {2}\(0 frames\)\n {2}calls per core +no sound came\n/);
});

describe('calls per core', () => {
  it('are those below the knee, and by the CPU that a call took', () => {
    expect(loadReport(result(), bytes, { errors: 0 }, 20).perCore).toEqual({ calls: 20, isKnee: true, latenessLimitMs: 20, byCpu: 100 });
  });

  it('are no more than there were where no knee was seen', () => {
    const report = loadReport(result({ peakCalls: 28 }), bytes, { errors: 0 }, 50);
    expect(report.perCore).toEqual({ calls: 28, isKnee: false, latenessLimitMs: 50, byCpu: 100 });
    expect(reportLines(report).join('\n')).toContain('at least 28 within 50 ms of lateness (p99); by the CPU it took, 100');
  });

  it('are none where already the first calls were late, and have no CPU where the server is another\'s', () => {
    const { server: _server, ...foreign } = result({ levels: [{ calls: 10, frames: 1, latenessP99Ms: 21 }] });
    const report = loadReport(foreign, bytes, { errors: 0 }, 20);
    expect(report.perCore).toEqual({ calls: 0, isKnee: true, latenessLimitMs: 20 });
    expect(report.perCall).toEqual({ sentBytesPerSecond: 48_000, receivedBytesPerSecond: 24_000 });
    expect(reportLines(report).join('\n')).toContain('the server is not ours');
  });
});

describe('the knee', () => {
  it('is drawn in text, with the limit', () => {
    const lines = kneeText(result().levels, 20);
    expect(lines.find((line) => line.includes('45 |'))).toMatch(/\*$/);
    expect(lines.find((line) => /^ +20 \|/.test(line))).toContain('---');
    expect(lines.at(-1)).toMatch(/10 +20 +30 +calls/);
    expect(kneeText([], 20)).toEqual([]);
  });

  it('is drawn as an SVG that needs nothing else', () => {
    const svg = kneeSvg(result().levels, 20);
    expect(svg.match(/<circle/g)).toHaveLength(3);
    expect(svg).toContain('limit 20 ms');
    expect(svg).not.toMatch(/href|<script|url\(/);
    // Higher lateness stands higher.
    const [, , third] = [...svg.matchAll(/cy="([\d.]+)"/g)].map(([, y]) => Number(y));
    const first = Number(/cy="([\d.]+)"/.exec(svg)?.[1]);
    expect(third).toBeLessThan(first);
    expect(kneeSvg([], 20)).toContain('</svg>');
  });
});

describe('the lateness of frames', () => {
  it('counts against a player that began with the first frame of an answer', () => {
    const lateness = new FrameLateness();
    const frame = (item: number, ms: number) => ({ item, firstSample: ms * 24 });
    expect(lateness.onFrame(frame(1, 0), 1_000)).toBeUndefined();
    expect(lateness.onFrame(frame(1, 20), 1_005)).toBe(0);
    expect(lateness.onFrame(frame(1, 40), 1_055)).toBe(15);
    expect(lateness.onFrame(frame(2, 0), 9_000)).toBeUndefined();
    expect(lateness.onFrame(frame(2, 100), 9_100)).toBe(0);
  });

  it('has percentiles', () => {
    const made = histogram(...Array.from({ length: 100 }, (_none, index) => index + 1));
    expect([made.percentile(0.5), made.percentile(0.95), made.percentile(0.99), made.percentile(1), made.max, made.count]).toEqual([50, 95, 99, 100, 100, 100]);
    expect(histogram().percentile(0.99)).toBe(0);
  });
});
