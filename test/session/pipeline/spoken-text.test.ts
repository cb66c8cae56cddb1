import { describe, expect, it } from 'vitest';
import { SentenceSplitter, SpokenText, spokenText } from '../../../session/index.js';

describe('spokenText', () => {
  it.each([
    ['Nothing to take out, e.g. 3.14 or "this".', 'Nothing to take out, e.g. 3.14 or "this".'],
    ['**Bold**, *light*, ***both***, __more__, _all_ and ~~gone~~. ', 'Bold, light, both, more, all and gone.'],
    ['**Half of a bold', 'Half of a bold'],
    ['sentence.** ', 'sentence.'],
    ['2 * 3, 2*3, 2**3, snake_case_name and __init__', '2 * 3, 2*3, 2**3, snake_case_name and init'],
    ['## A heading', 'A heading'],
    ['> - [x] **Done:** it', 'Done: it'],
    ['- apples', 'apples'],
    ['1. First', '1. First'],
    ['-5 degrees', '-5 degrees'],
    ['| Name | Age |\n| :--- | ---: |\n| Ann | 5 |', 'Name, Age\nAnn, 5'],
    ['Above\n\n---\nbelow', 'Above\nbelow'],
    ['Run `npm run *all*` or ``a`b``.', 'Run npm run *all* or a`b.'],
    ['A \\*star\\* and \\_line\\_', 'A *star* and _line_'],
    ['See [the **docs**](https://example.com/a_(b)?c=1 "Title") now.', 'See the docs now.'],
    ['See [`code`](https://example.com).', 'See code.'],
    ['![A cat](cat.png) sleeps.', 'A cat sleeps.'],
    ['See https://www.example.com/a/b?c=d#e. Or <http://example.org:8080>, (www.example.net/x).', 'See example.com. Or example.org, (example.net).'],
    ['Write to me@example.com.', 'Write to me@example.com.'],
    ['One<br>two <b>three</b>, 1 < 2 and x<y and z>w', 'One two three , 1 < 2 and x<y and z>w'],
    ['Great 🎉! Hi 👋🏽 there.', 'Great! Hi there.'],
    ['👩‍👩‍👧 Family🇩🇪time ❤️', 'Family time'],
    ['Press 5️⃣ or *️⃣', 'Press 5 or'],
    ['© 2026 Example™', '© 2026 Example™'],
    ['你好！🎉再见。', '你好！ 再见。'],
    ['Before\n```js\nlet a = 1;\n```\nafter', 'Before\nafter'],
    ['🎉🎉', ''],
    ['---\n', ''],
    ['...', ''],
    ['\ue0000\ue001', ''],
  ])('%j', (text, spoken) => {
    expect(spokenText(text)).toBe(spoken);
  });

  it('leaves out a block of code that comes in several pieces', () => {
    const splitter = new SentenceSplitter({ maxCharacters: 30, minCharacters: 5 });
    const spoken = new SpokenText();
    const text = `Look here.\n\n\`\`\`ts\n${'let a = 1;\n'.repeat(9)}\`\`\`\nThat is all.`;
    const pieces = [...splitter.push(text), ...splitter.end()];
    expect(pieces.length).toBeGreaterThan(4);
    expect(pieces.map((piece) => spoken.of(piece)).filter((piece) => piece !== '')).toEqual(['Look here.', 'That is all.']);
  });

  // A pattern that tries all ways to match would meet the time-out.
  it.each(['*', '_a', '[', '![](', '`', '``a', '|', '<a ', 'https://', '👩\u200d', ' ', '\\', '> - ', '](a(b'])('takes no long time for much of %j', (unit) => {
    expect(spokenText(`a${unit.repeat(20_000 / unit.length)}`).length).toBeLessThan(25_000);
  });
});

describe('a text that is meant to be slow to read', () => {
  const many = 100_000;
  it.each([
    ['spaces in a table', `| ${' '.repeat(many)}x`],
    ['marks behind an address', `https://${'.'.repeat(many)}x`],
    ['spaces before what is no emoji', `a${' '.repeat(many)}b`],
    ['brackets', '[](('.repeat(many / 4)],
    ['asterisks', `a${'*'.repeat(many)}b`],
    ['tags that do not end', '<a '.repeat(many / 3)],
  ])('is read in linear time: %s', (_name, text) => {
    // A pattern that looks at the rest again from each character takes many seconds for this: more than a test may.
    for (let times = 0; times < 5; times += 1) spokenText(text);
    expect(spokenText(`${text}\nDone.`)).toMatch(/Done\.$/);
  });
});
