/**
 * What the words before and after a full stop tell about it. All languages share one table: a text often mixes them, and a word of one that looks
 * like an abbreviation of another only makes a sentence longer. Words that are common at the end of a sentence stand in no table.
 */

/** In front of a name: never the end of a sentence. */
const TITLES = `mr mrs ms mx dr drs prof rev hon gen col capt cpt lt sgt cmdr gov sen messrs supt
  hr fr frl dipl mme mlle mgr pr sr sra srta dª dña dra profa sig dott avv ing dhr mevr mudr judr doç акад проф д-р डॉ प्रो पं`;

/** Something always follows. Spaces between the letters are left out: `z. B.` is `z.b`. */
const NEVER_LAST = `e.g i.e eg ie vs cf viz approx incl excl esp resp ca vgl bzw ggf evtl bspw inkl exkl einschl ausschl sog z.b d.h u.u s.o s.u i.d.r z.t v.a m.e o.g
  nr núm nº p.ex p.ej c.-à-d env tzn tj m.in np např tzv t.ex bl.a d.v.s dvs s.k jfr f.eks jf esim bijv d.w.z örn напр т.е см стр รศ ผศ ดร พ.ศ ค.ศ`;

/** Only in front of a number: "No. 5", but "No. I will not." */
const BEFORE_NUMBER = `no nos fig figs abb tab art abs sec sect ch chap eq vol bd pp pg par ex st str ver op kap cap pág pag lit apt ste bldg ext tel fax min max
  jan feb mar apr jun jul aug sep sept oct okt nov dec dez déc janv févr avr juil рис табл гл`;

/** May end a sentence or not: the next word decides. */
const MAYBE_LAST = `inc ltd corp co jr bros llc plc gmbh al dept univ assn ave blvd rd st ste mt ft hwy std tsd mio mrd jh geb gest
  jan feb apr jun jul aug sep sept oct okt nov dec dez`;

/**
 * Words that begin sentences and hardly ever names: after "5 p.m." or "J." they tell that a sentence has ended. Articles that are part of names
 * (Le, La, De, El) are left out.
 */
const STARTERS = `the this that these those there then they their it its he she we you i his her our your my a an and but so or if when while what where why who how
  in on at for from after before as by to with once since until although because please let would could can will do does did is are was were have has
  not now here next also however finally first second no yes all some many most each every another both
  der das dem den ein eine einen einem er sie es wir ihr ich du und aber oder denn dann wenn weil als was wer wie wo warum bitte danach dort hier heute morgen jetzt
  außerdem im am beim ist sind war kann können haben nein ja nach bei mit für auch alle diese dieser dieses
  il elle ils elles nous vous je tu on et mais ou puis alors ensuite quand pourquoi comment cette ces ce pour dans avec
  ella ellos nosotros yo él y pero cuando entonces luego después también qué cómo dónde por para con en
  io lui lei noi voi e ma poi quando perché come anche questo questa
  ele ela eles nós eu mas então depois também isso este esta
  hij zij wij ik jij het een en maar dan toen als waar waarom
  да нет это он она они мы вы я и но а если когда потом тогда затем что как где почему в на у с по для`;

const titles = words(TITLES);
const neverLast = words(NEVER_LAST);
const beforeNumber = words(BEFORE_NUMBER);
const maybeLast = words(MAYBE_LAST);
const starters = words(STARTERS);

/** What a word tells about the full stop behind it. */
export type StopSense = 'abbreviation' | 'before_number' | 'unsure' | 'word';

/** `token` is what stands between the last space and the full stop; dotted letters with spaces between them count as one token. */
export function stopSense(token: string): StopSense {
  const key = token.toLowerCase().replaceAll(/\s/g, '');
  if (titles.has(key) || neverLast.has(key)) return 'abbreviation';
  if (maybeLast.has(key) || LETTERS_WITH_STOPS.test(key) || INITIAL.test(token) || ROMAN.test(token)) return 'unsure';
  return beforeNumber.has(key) || STREET.test(key) ? 'before_number' : 'word';
}

/** Whether a capitalised word begins sentences; `following` is the character after it, since "A." and "I." are initials too. */
export function startsSentences(word: string, following: string): boolean {
  return starters.has(word.toLowerCase()) && !(following === '.' && word.length === 1);
}

/** "p.m", "U.S", "Ph.D" */
const LETTERS_WITH_STOPS = /^(?:\p{L}{1,2}\.-?)+\p{L}{1,3}$/u;
/**
 * One letter of a script that has capitals, or of one that abbreviates names so, or a capital twice ("EE. UU."). A single kana or Hangul syllable
 * is a word.
 */
const INITIAL = /^(?:[\p{Lu}\p{Ll}\p{Script=Arabic}\p{Script=Hebrew}]|(\p{Lu})\1)$/u;
/** "Hauptstr. 5" */
const STREET = /\p{L}str$/u;
const ROMAN = /^[IVX]{2,7}$/;

function words(list: string): ReadonlySet<string> {
  return new Set(list.split(/\s+/));
}
