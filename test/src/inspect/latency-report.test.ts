import { describe, expect, it } from 'vitest';
import { latencyReport } from '../../../src/inspect/index.js';
import { percentile, quantiles } from '../../../src/inspect/latency-report.js';
import { turnParts } from '../../../src/inspect/turns.js';

type Turns = Parameters<typeof latencyReport>[0][number]['turns'];

/** Turns that took so long, all of it in the model. */
const turns = (...latencies: (number | undefined)[]): Turns => latencies.map((latencyMs) => ({ ...(latencyMs === undefined ? {} : { latencyMs }), parts: [{ name: 'model', ms: latencyMs ?? 5 }] })) as unknown as Turns;

describe('percentiles', () => {
  it('are numbers that were measured: the nearest rank', () => {
    const hundred = Array.from({ length: 100 }, (_, index) => index + 1);
    expect(quantiles([...hundred].reverse())).toEqual({ count: 100, p50: 50, p90: 90, p95: 95, p99: 99, max: 100 });
    expect(quantiles([100, 200])).toEqual({ count: 2, p50: 100, p90: 200, p95: 200, p99: 200, max: 200 });
    expect(quantiles([7])).toEqual({ count: 1, p50: 7, p90: 7, p95: 7, p99: 7, max: 7 });
    expect(percentile([10, 20, 30, 40], 75)).toBe(30);
  });
});

describe('the latency of many files', () => {
  it('stands for each file, and for all of them together', () => {
    const report = latencyReport([{ name: 'one', turns: turns(100, 300) }, { name: 'two', turns: turns(200) }]);
    expect(report.map(({ name, measured }) => [name, measured.latency?.count, measured.latency?.p50])).toEqual([['one', 2, 100], ['two', 1, 200], ['all files', 3, 200]]);
  });

  it('of one file is that file', () => {
    expect(latencyReport([{ name: 'one', turns: turns(100) }]).map(({ name }) => name)).toEqual(['one']);
  });

  it('leaves out turns that were not waited for to their end, also in the parts', () => {
    const [group] = latencyReport([{ name: 'one', turns: turns(undefined, 40) }]);
    expect(group?.measured).toEqual({ latency: quantiles([40]), model: quantiles([40]) });
    expect(latencyReport([{ name: 'none', turns: turns(undefined) }])).toEqual([{ name: 'none', measured: {} }]);
  });
});

describe('the parts of a turn', () => {
  it('a mark that did not happen gives its time to the next one', () => {
    expect(turnParts({ speechEndMs: 100, responseCreatedMs: 180, firstDeltaMs: 300 })).toEqual([{ name: 'request', ms: 80 }, { name: 'model', ms: 120 }]);
  });

  it('a mark before its forerunner took no time, and the sum stays', () => {
    expect(turnParts({ speechEndMs: 100, endpointDecidedMs: 200, committedMs: 190, responseCreatedMs: 250 })).toEqual([{ name: 'endpoint', ms: 100 }, { name: 'commit', ms: 0 }, { name: 'request', ms: 50 }]);
  });

  it('there are none of a turn without marks', () => {
    expect(turnParts({})).toEqual([]);
  });
});
