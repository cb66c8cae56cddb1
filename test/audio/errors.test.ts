import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import type { AudioErrorCode } from '../../audio/index.js';

// A code that joins the union without joining this record does not compile.
const CODES: Record<AudioErrorCode, true> = { WAV_INVALID: true, WAV_UNSUPPORTED: true, FORMAT_INVALID: true, OPUS_MISSING: true, OPUS_INVALID: true };

it('lists every error code in the README of the room, and no other', () => {
  const readme = readFileSync(new URL('../../audio/README.md', import.meta.url), 'utf8');
  const [, section = ''] = readme.split('## Error codes');
  expect([...section.matchAll(/^\| `([A-Z_]+)`/gm)].map(([, code]) => code)).toEqual(Object.keys(CODES));
});
