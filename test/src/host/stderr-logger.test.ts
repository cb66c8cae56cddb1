import { describe, expect, it } from 'vitest';
import { stderrLogger } from '../../../src/host/stderr-logger.js';
import type { StderrLoggerOptions } from '../../../src/host/stderr-logger.js';

function logged(options: StderrLoggerOptions): string[] {
  const lines: string[] = [];
  const logger = stderrLogger({ ...options, write: (line) => lines.push(line) }).child({ sessionId: 's1' });
  logger.error('It broke.', { code: 1006, why: 'two words\nand a line' });
  logger.warn('It limps.', { nothing: undefined });
  logger.info('It walks.');
  logger.debug('It breathes.');
  return lines;
}

describe('stderrLogger', () => {
  it('writes warnings and errors, a line each, whatever a value holds', () => {
    expect(logged({})).toEqual(['error: It broke. sessionId=s1 code=1006 why="two words\\nand a line"\n', 'warn: It limps. sessionId=s1\n']);
  });

  it('writes as much as is asked for', () => {
    expect(logged({ level: 'error' })).toHaveLength(1);
    expect(logged({ level: 'debug' })).toHaveLength(4);
  });

  it('writes JSON lines', () => {
    expect(logged({ json: true }).map((line) => JSON.parse(line) as unknown)[0]).toEqual({
      ...{ type: 'log', level: 'error', message: 'It broke.', sessionId: 's1', code: 1006, why: 'two words\nand a line' },
    });
  });
});
