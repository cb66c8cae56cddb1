import { describe, expect, it } from 'vitest';
import { SentenceSplitter } from '../../../session/index.js';
import type { SentenceSplitterOptions } from '../../../session/index.js';
import { random } from '../../helpers/random.js';
import type { Random } from '../../helpers/random.js';

/** Every sentence alone. */
const ALL: SentenceSplitterOptions = { minCharacters: 1, firstMinCharacters: 1 };

function split(text: string, options: SentenceSplitterOptions = ALL): string[] {
  const splitter = new SentenceSplitter(options);
  return [...splitter.push(text), ...splitter.end()];
}

/** `|` marks where the text is to be cut. */
const TABLE: Record<string, readonly string[]> = {
  'plain sentences': [
    'Hello there. |How are you? |I am fine! |Thanks.',
    'One sentence without an end',
    'Two spaces.  |Kept with the first.',
    '  A blank start. |And a blank end.  ',
    'Really?! |Yes!!! |What?? |No.',
    'hello there. |what about tomorrow?',
    'iPhone sales rose. |The rest fell.',
    'I said "no". |Then I left.',
    '(He came. |He left.) |Then it rained.',
    'Great!🎉 |Next one.',
    'Great! |🎉 Next one. |👍🏽',
    'Well... |We shall see.',
    'Well… maybe not. |But… we try.',
    'Wait . . . what is that?',
    'I... |I do not know.',
    'Thanks. :) Bye.',
    "I can't. |Everyone knows.",
    'You and I. |Then the others.',
  ],
  'numbers, dates and times': [
    'Pi is 3.14 and a bit. |It costs $1,000.50. |Good.',
    'Version v1.2.3 is out. |Get v2.0. |The old one stays.',
    'On 10.11.2026. |It is a Tuesday.',
    'The year was 2020. |Everybody stayed at home.',
    'See No. 5 and Fig. 3. |Then go on.',
    'No. |I will not.',
    '1. First do this. |2. Then do that. |3. Done.',
    'We meet at 5 p.m. today. |Or at 6 a.m. Eastern time.',
    'We meet at 5 p.m. |The train leaves at 6.',
    'It is 5:30. |Then it is 6.30. |They come.',
    'Version 10. |It is new.',
    'He paid 5%. |She paid €12. |Nobody else paid.',
    'Pages pp. 5-7, approx. 3 km, Jan. 5 and max. 10 people.',
    'The IP is 192.168.0.1. |Do not tell.',
    '5! = 120. |Good.',
  ],
  'abbreviations and initials': [
    'Dr. Smith met Mrs. Jones on St. James St. |They talked.',
    'J. R. R. Tolkien wrote it. |C. S. Lewis did not.',
    'Ask Joanne K. Rowling. |George W. Bush. |He knows.',
    'Fruit, e.g. Apples, i.e. the red ones, etc. are good.',
    'Apples, pears, etc. |Then came the rest.',
    'He lives in the U.S. Army base. |She left the U.S. |They stayed.',
    'Acme Inc. makes it. |Acme Inc. |The end.',
    'She has a Ph.D. in law. |He has none.',
    'Smith et al. say so. |Smith vs. Jones.',
    'World War II. |The end.',
    'Visit Plan B. |Then stop.',
  ],
  'addresses and files': [
    'See https://example.com/a.b?c=d.e!f for more. |Or www.example.org. |Then stop.',
    'Write to j.doe@mail.example.com. |Thank you.',
    'Open main.test.ts and README.md. |Then run ./a.out now.',
    'Use Node.js or .NET. |Both work.',
    'Is it on example.com? |Yes.',
  ],
  'lines, lists and Markdown': [
    'First line\n|Second line\nthird line',
    'A paragraph\n\n|another paragraph',
    'Options:\n|- apples\n|- pears\n|* figs, 3.5 kg.\n|1. One\n|2. Two',
    'a) first\n|b) second',
    'Choose one of\n|a) first\n|b) second',
    'Steps:\n|1. Open it. |Look.\n|2. Close it.',
    '# A heading\n|Text of it. |More.\n\n|## Next\n|Text.',
    '**Bold.** |Then _more._ |*Stop!* |Go.',
    'See ~~this.~~ |That.',
    'Call `foo. Bar()` and ``a ` b. C``. |Then stop.',
    'A stray ` tick. |Then another line.\n|Fine.',
    'Code:\n|```ts\nconst a = 1. B\n\nfoo();\n```\n|Then text. |More.',
    '~~~\na. B\n~~~\n|after it. |End.',
    '> Quoted. |Still.\n|Not.',
    '| a | b |\n|| - | - |\n|| 1 | 2 |'.replaceAll('\n||', '\n¦|'),
    'Lines end\r\n|With both\r\n|Characters.',
  ],
  German: [
    'Das ist z. B. Obst, d. h. Äpfel, u. a. rote. |Gut.',
    'Am 3. Mai und am 24. Dezember um 10.30 Uhr. |Dann nicht.',
    'Herr Dr. Müller wohnt in der Hauptstr. 5. |Er ist da.',
    'Ludwig XIV. war König. |Johannes Paul II. |Er war Papst.',
    '„Kommst du?“ |„Ja.“ |Sie ging.',
    '„Kommst du?“, fragte er. |»Nein!« sagte sie.',
    'Das kostet ca. 1.000,50 Euro, inkl. Versand, bzw. mehr. |Ja.',
    'Nr. 5 lebt. |Vgl. Abb. 3 und S. 12.',
  ],
  French: [
    'M. Dupont est là. |Mme. Durand aussi. |Ça va ? |Oui ! |Merci.',
    '« Bonjour. » |Il sortit. |« Ça va ? |Oui. » |Fin.',
    'M. Le Pen parle. |J.-C. Martin écoute.',
    "C'est l'art. |Pourquoi pas ?",
  ],
  Spanish: ['¿Qué tal? |¡Muy bien! |El Sr. García y la Sra. López vienen. |Gracias.', 'EE. UU. es grande. |Pág. 5, p. ej. esta.'],
  Italian: ['Il dott. Rossi e la sig.ra Bianchi arrivano. |Come va? |Bene.'],
  Russian: ['Это т. е. то, см. стр. 5. |Да. |А. С. Пушкин жил в XIX в. и писал.', 'Как дела? |Хорошо!'],
  Greek: ['Τι κάνεις; |Καλά. |Εσύ;'],
  Polish: ['To jest np. jabłko. |Tak? |Dnia 3. maja.'],
  Chinese: ['你好。|今天天气很好！|你呢？|好的……那就这样。|“你好。”|他说。', '版本是3.14。|价格是1,000.50元。|真的?|我不信!|好.', '（他来了。）|他走了？！|是。'],
  Japanese: ['こんにちは。|元気ですか？|はい！|「はい。」と言った。|「はい。」|彼は行った。', '３．１４です。|終わり．|次。'],
  Korean: ['안녕하세요. |잘 지내요? |네. |그래요.'],
  Thai: ['สวัสดีครับวันนี้อากาศดีมากเลยนะครับ |ผมอยากไปเที่ยวทะเลกับเพื่อนๆ ของผม |จริงไหม?|ใช่', 'เด็ก ๆ ไป เล่น'],
  Hindi: ['नमस्ते। |आप कैसे हैं? |डॉ. शर्मा आए हैं। |मैं ठीक हूँ॥'],
  Arabic: ['مرحبا. |كيف حالك؟ |أنا بخير! |د. أحمد هنا.'],
  Urdu: ['آپ کیسے ہیں؟ |میں ٹھیک ہوں۔ |شکریہ۔'],
  Hebrew: ['שלום. |מה שלומך? |טוב!'],
  Georgian: ['გამარჯობა. |როგორ ხარ? |კარგად.'],
  Armenian: ['Բարև։ |Ինչպես ես։'],
  Amharic: ['ሰላም። |እንዴት ነህ፧ |ደህና።'],
  Khmer: ['សួស្តី។ |អ្នកសុខសប្បាយទេ?'],
  Turkish: ['Merhaba. |Nasılsınız? |İyiyim. |Prof. Dr. Yılmaz geldi.'],
};

describe('SentenceSplitter', () => {
  describe.each(Object.entries(TABLE))('%s', (_name, examples) => {
    it.each(examples)('%s', (example) => {
      const mark = example.includes('¦') ? '¦' : '|';
      const text = example.replaceAll(mark, '');
      expect(split(text)).toEqual(example.split(mark));
      const splitter = new SentenceSplitter(ALL);
      expect([...text.split('').flatMap((unit) => splitter.push(unit)), ...splitter.end()], 'one by one').toEqual(example.split(mark));
    });
  });

  it('joins short sentences with the next, but lets the first be short', () => {
    const text = 'Sure. Yes. No. I will do that for you now. Ok. Bye.';
    expect(split(text, {})).toEqual(['Sure. ', 'Yes. No. I will do that for you now. ', 'Ok. Bye.']);
    expect(split(text, { firstMinCharacters: 8, minCharacters: 8 })).toEqual(['Sure. Yes. ', 'No. I will do that for you now. ', 'Ok. Bye.']);
    expect(split(text, ALL)).toHaveLength(6);
    expect(split('はい。今日は晴れです。', { minCharacters: 16, firstMinCharacters: 16 })).toEqual(['はい。今日は晴れです。']);
    expect(split('今日はとても晴れです。明日も。', {})).toEqual(['今日はとても晴れです。', '明日も。']);
  });

  it('gives a sentence with the first character that decides', () => {
    const splitter = new SentenceSplitter(ALL);
    expect(splitter.push('Hello there.')).toEqual([]);
    expect(splitter.push(' ')).toEqual([]);
    expect(splitter.push('H')).toEqual(['Hello there. ']);
    expect(splitter.push('ow? 你好。')).toEqual(['How? ']);
    expect(splitter.push('再')).toEqual(['你好。']);
    expect(splitter.push('见 5 p.m. T')).toEqual([]);
    expect(splitter.push('he ')).toEqual(['再见 5 p.m. ']);
    expect(splitter.end()).toEqual(['The ']);
    expect(splitter.end()).toEqual([]);
  });

  it('can be used again after the end', () => {
    const splitter = new SentenceSplitter({ minCharacters: 20, firstMinCharacters: 1 });
    const answer = (): string[] => [...splitter.push('Yes. And ```\n'), ...splitter.end()];
    expect(answer()).toEqual(['Yes. ', 'And ```\n']);
    expect(answer()).toEqual(['Yes. ', 'And ```\n']);
  });

  it.each([
    { name: 'behind a clause', text: `${'one two '.repeat(3)}three, ${'four '.repeat(5)}`, first: `${'one two '.repeat(3)}three, ` },
    { name: 'behind a word', text: 'word '.repeat(20), first: 'word '.repeat(8) },
    { name: 'at a wide clause mark', text: `${'我'.repeat(30)}，${'你'.repeat(40)}`, first: `${'我'.repeat(30)}，` },
    { name: 'behind a short sentence', text: `Yes. ${'x'.repeat(60)}`, first: 'Yes. ' },
    { name: 'between whole characters', text: `${'x'.repeat(35)}👩‍👩‍👧${'y'.repeat(40)}`, first: 'x'.repeat(35) },
    { name: 'between characters without spaces', text: 'ห'.repeat(100), first: 'ห'.repeat(40) },
    { name: 'within white space, when there is nothing else', text: ' '.repeat(100), first: ' '.repeat(40) },
    { name: 'between the lines of a block of code', text: '```\nlet a, b;\nlet c, d;\nlet eeeeeeeee, f;\n```\nText.', first: '```\nlet a, b;\nlet c, d;\n' },
  ])('cuts a sentence that is too long $name', ({ text, first }) => {
    const splitter = new SentenceSplitter({ maxCharacters: 40, minCharacters: 8, firstMinCharacters: 8 });
    const pieces = [...splitter.push(text), ...splitter.end()];
    expect(pieces[0]).toBe(first);
    expect(pieces.join('')).toBe(text);
  });

  it('knows that a block of code goes on behind a cut in it', () => {
    const code = `\`\`\`\n${'a.b(). C\n'.repeat(20)}\`\`\`\n`;
    const pieces = split(`${code}Done. Really.`, { ...ALL, maxCharacters: 40 });
    expect(pieces.slice(-2)).toEqual(['Done. ', 'Really.']);
    expect(pieces.slice(0, -2).join('')).toBe(code);
    expect(pieces.slice(0, -2).every((piece) => piece.endsWith('\n'))).toBe(true);
  });

  it('cuts a character that never ends, but between code points', () => {
    const text = `e${'\u0301'.repeat(100)}${'👩\u200d'.repeat(50)}`;
    const pieces = split(text, { ...ALL, maxCharacters: 10 });
    expect(pieces.join('')).toBe(text);
    expect(pieces.every((piece) => piece.length <= 10 && !/[\ud800-\udbff]$/.test(piece))).toBe(true);
  });

  it.each([{ minCharacters: 2.5 }, { minCharacters: -1 }, { firstMinCharacters: 20, minCharacters: 10 }, { maxCharacters: 7 }, { minCharacters: 100, maxCharacters: 50 }, { maxCharacters: Infinity }])('does not take %j', (options) => {
    expect(() => new SentenceSplitter(options)).toThrow(RangeError);
  });

  it('gives the same for any chunks, loses nothing, holds no more than it may and cuts no character', () => {
    const rnd = random();
    const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });
    for (let round = 0; round < 600; round += 1) {
      const text = roughText(rnd);
      const maxCharacters = rnd.int(8, 80);
      const minCharacters = rnd.int(0, Math.min(20, maxCharacters));
      const options = { maxCharacters, minCharacters, firstMinCharacters: rnd.int(0, minCharacters + 1) };
      const what = `seed ${rnd.seed}, round ${round}, ${JSON.stringify({ text, options })}`;
      const whole = split(text, options);
      expect(whole.join(''), what).toBe(text);
      expect(whole.filter((piece) => piece === '' || piece.length > maxCharacters), what).toEqual([]);

      const splitter = new SentenceSplitter(options);
      const pieces: string[] = [];
      const longest = rnd.pick([1, 3, 10, 60]);
      for (let at = 0; at < text.length; ) {
        const next = Math.min(text.length, at + rnd.int(0, longest + 1));
        pieces.push(...splitter.push(text.slice(at, next)));
        expect(splitter.heldCharacters, what).toBeLessThanOrEqual(maxCharacters);
        at = next;
      }
      pieces.push(...splitter.end());
      expect(pieces, what).toEqual(whole);

      const borders = [...graphemes.segment(text)];
      if (borders.some(({ segment }) => segment.length >= maxCharacters)) continue;
      const starts = new Set(borders.map(({ index }) => index));
      let at = 0;
      for (const piece of whole.slice(0, -1)) {
        at += piece.length;
        expect(starts.has(at), `${what} at ${at}`).toBe(true);
      }
    }
  });

  // A cost that grows with the square of the length would meet the time-out.
  it.each(['A sentence, e.g. this one, is spoken. ', 'word ', 'x', '.', ' ', '\n', '`', 'a`', '「', '👩‍👩‍👧', 'e\u0301', '5 p.m. A', '```\n', '['])('goes through a hundred thousand characters of %j at once, and in small pieces', (unit) => {
    const text = unit.repeat(100_000 / unit.length);
    const whole = split(text);
    expect(whole.reduce((sum, piece) => sum + piece.length, 0)).toBe(text.length);
    const part = text.slice(0, 20_000);
    const splitter = new SentenceSplitter(ALL);
    let count = 0;
    for (let at = 0; at < part.length; at += 3) count += splitter.push(part.slice(at, at + 3)).length;
    expect(count + splitter.end().length).toBe(split(part).length);
  });
});

/** Text made of all that makes cutting hard, in any order. */
function roughText(rnd: Random): string {
  const units = [
    'Hello', 'world', 'e.g.', 'Dr.', 'J.', ' ', '  ', '\n', '\n\n', '\r\n', '.', '...', '…', '?', '!', '?!', ',', ';', ':', '。', '！', '」', '「', '”', '“', '»', '«', '"', ')', '(',
    '`', '``', '```', '```ts\n', '\n```\n', '~~~', '**', '_', '- ', '1. ', '3.14', '5', '12.', 'a', 'A', 'I', 'The', 'the', 'p.m.', 'U.S.', 'x'.repeat(30), '你好', 'ございます', 'สวัสดีครับ', 'ๆ', 'ำ',
    'नमस्ते', '।', '؟', 'é', 'e\u0301', '\u0301', '\u200d', '\ufe0f', '👩‍👩‍👧', '👍🏽', '🏽', '🇩🇪', '🇩', '🎉', '\ud83d', '\ude00', 'https://a.b/c?d=e.', 'Καλά;', 'გამარჯობა', '한국어', '\u1100', '\u1161',
  ];
  return Array.from({ length: rnd.int(0, 60) }, () => rnd.pick(units)).join('');
}
