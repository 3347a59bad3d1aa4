/** Pieces of a man page in the macros of man(7). Pure. */

/** Text that is set as it stands, within a line. */
export function roff(text: string): string {
  const escaped = text.replaceAll('\\', '\\e').replaceAll('-', '\\-');
  return escaped.replaceAll(/^(?=[.'])/gm, '\\&');
}

/** A paragraph of running text; what stands in backticks is set bold. Each sentence begins a line, as groff wants it. */
export function prose(text: string): string {
  const pieces = text.replaceAll(/\s+/g, ' ').trim().split('`');
  const set = pieces.map((piece, place) => (place % 2 === 0 ? escapedProse(piece) : `\\fB${roff(piece)}\\fR`)).join('');
  const sentences = set.split(/(?<=[a-z\d)'"\]]{2}[.:?!]) (?=[A-Z"\\])/);
  return sentences
    .map(wrapped)
    .join('\n')
    .replaceAll(/^(?=[.'])/gm, '\\&');
}

function wrapped(sentence: string): string {
  return sentence.replaceAll(/(.{1,76})(?: |$)/g, '$1\n').trimEnd();
}

/** Hyphens in running text may break a line; in what is typed they must stay what they are. */
function escapedProse(text: string): string {
  return text.replaceAll('\\', '\\e').replaceAll(/(?<![A-Za-z\d])-+(?=[A-Za-z\d])/g, (dashes) => roff(dashes));
}

export function section(title: string, ...paragraphs: readonly string[]): string {
  return [`.SH ${title}`, ...separated(paragraphs)].join('\n');
}

export function subsection(title: string, ...paragraphs: readonly string[]): string {
  return [`.SS ${roff(title)}`, ...separated(paragraphs)].join('\n');
}

function separated(paragraphs: readonly string[]): string[] {
  return paragraphs.flatMap((paragraph, place) => {
    const body = paragraph.startsWith('.EX') ? `.RS 4\n${paragraph}\n.RE` : paragraph;
    return place === 0 || /^\.(SS|TP)\b/.test(paragraph) ? [body] : ['.PP', body];
  });
}

/** A term and what is said of it, indented. */
export function item(term: string, ...paragraphs: readonly string[]): string {
  return `.TP\n\\fB${roff(term)}\\fR\n${paragraphs.join('\n.IP\n')}`;
}

/** Lines as they stand; a paragraph. */
export function verbatim(text: string): string {
  return `.EX\n${roff(text)}\n.EE`;
}

/** `time`: seconds since 1970, of the page. */
export function titleLine(name: string, sectionNumber: number, version: string, time: number): string {
  const date = new Date(time * 1000).toISOString().slice(0, 10);
  return `.TH ${name} ${sectionNumber} ${date} "protect\\-network ${version}"\n.nh\n.ad l`;
}
