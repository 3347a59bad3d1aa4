/** How many columns a text takes on a terminal. Pure. */

/** What takes one column and combines with nothing: ASCII, an ellipsis, arrows and bars of our own. */
const plain = /^[\x20-\x7e\u2026\u2190-\u2193\u2581-\u2593]*$/;
/** East Asian wide and fullwidth characters, and emoji (Unicode Standard Annex 11, the blocks that matter). */
const wide =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{20000}-\u{3fffd}]|\p{Emoji_Presentation}/u;

const segmenter = new Intl.Segmenter();

export function textWidth(text: string): number {
  if (plain.test(text)) return text.length;
  return graphemesOf(text).reduce((width, grapheme) => width + graphemeWidth(grapheme), 0);
}

/** `text` in at most `width` columns, with an ellipsis where something is missing. */
export function cut(text: string, width: number): string {
  if (textWidth(text) <= width) return text;
  let kept = '';
  let used = 0;
  for (const grapheme of graphemesOf(text)) {
    used += graphemeWidth(grapheme);
    if (used > width - 1) break;
    kept += grapheme;
  }
  return width < 1 ? '' : `${kept}…`;
}

/**
 * Lines of at most `width` columns, broken at spaces, and within a word that is longer than a line. The first begins
 * with `first`, the others with `indent`; both have the same width, less than `width`. Blanks in front of the text stay: a
 * caret points at what is above it.
 */
export function wrapped(text: string, width: number, first = '', indent = ' '.repeat(textWidth(first))): string[] {
  const room = Math.max(1, width - textWidth(first));
  const lines: string[] = [];
  const begun = text.trimStart();
  let line = text.slice(0, Math.min(text.length - begun.length, room - 1));
  for (const word of begun.split(' ').flatMap((each) => inPieces(each, room))) {
    const joined = line.trim() === '' ? `${line}${word}` : `${line} ${word}`;
    if (textWidth(joined) <= room) line = joined;
    else {
      if (line.trim() !== '') lines.push(line);
      line = word;
    }
  }
  return [...lines, line].map((each, place) => `${place === 0 ? first : indent}${each}`);
}

function inPieces(word: string, room: number): string[] {
  const pieces: string[] = [];
  let piece = '';
  for (const grapheme of graphemesOf(word)) {
    if (textWidth(piece) + graphemeWidth(grapheme) > room && piece !== '') {
      pieces.push(piece);
      piece = '';
    }
    piece += grapheme;
  }
  return [...pieces, piece];
}

function graphemesOf(text: string): string[] {
  return plain.test(text) ? [...text] : [...segmenter.segment(text)].map(({ segment }) => segment);
}

function graphemeWidth(grapheme: string): number {
  return wide.test(grapheme) ? 2 : 1;
}
