/** `docs/names.md` has every name that the doors for applications export, each under its door, and none that is not there. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const page = readFileSync(new URL('../docs/names.md', import.meta.url), 'utf8');
const DOORS: Readonly<Record<string, () => Promise<object>>> = {
  voicewire: () => import('../src/index.js'),
  'voicewire/browser': () => import('../src/browser.js'),
  'voicewire/react': () => import('../src/react/index.js'),
  'voicewire/testing': () => import('../src/testing.js'),
};

/** The names in the first column of the table below a heading. */
function listed(door: string): string[] {
  const section = page.split(/^## /m).find((each) => each.startsWith(`\`${door}\``)) ?? '';
  return section.split('\n').flatMap((line) => [...(line.split('|')[1] ?? '').matchAll(/`(\w+)`/g)].map(([, name]) => name as string));
}

describe.each(Object.entries(DOORS))('%s', (door, load) => {
  it('has its names in the docs', async () => {
    expect(listed(door).sort()).toEqual(Object.keys(await load()).sort());
  });
});

it('a name means one thing, whichever door it comes from: bundlers for browsers take `voicewire` for `voicewire/browser`', async () => {
  const known = new Map<string, unknown>();
  for (const load of Object.values(DOORS)) {
    for (const [name, value] of Object.entries(await load())) {
      expect(known.get(name) ?? value, name).toBe(value);
      known.set(name, value);
    }
  }
});
