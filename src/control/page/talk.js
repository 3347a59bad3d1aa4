// Who talks to whom, as a picture and as a table.
// @ts-check
/** @import { Talk, TalkEnd, TalkPair } from '../talk.ts' */
import { byId, countText, drawn, made, write } from './text.js';

/** More lines would be a tangle; the table has the others. */
const maxDrawn = 24;

/** @param {TalkEnd} end */
function endText({ kind, name, link, address }) {
  return kind === 'zone' ? (name ?? link ?? address) : kind === 'host' ? `this host (${address})` : address;
}

/** Of one zone, or of all. @param {Talk} talk @param {{ link: string, name: string } | undefined} chosen */
export function showTalk(talk, chosen) {
  const pairs = talk.pairs.filter(({ from, to }) => chosen === undefined || [from.link, to.link].includes(chosen.link));
  const about = chosen === undefined ? 'zones' : chosen.name;
  const drawnPairs = pairs.slice(0, maxDrawn);
  const some =
    pairs.length > drawnPairs.length
      ? ` Drawn are the ${drawnPairs.length} pairs with the most; the table has ${pairs.length}.`
      : '';
  write(
    byId('talk-summary'),
    pairs.length === 0
      ? `No tracked connection of ${about}.`
      : `Connections of ${about} that the kernel tracks now, from who began them, on the left, to who answers.${some}`,
  );
  draw(drawnPairs);
  const rows = pairs.map(({ from, to, connections, services, hasMoreServices }) => {
    const row = made('tr', '');
    const asked = `${services.join(', ')}${hasMoreServices ? ' …' : ''}`;
    row.append(made('td', endText(from), 'name'), made('td', endText(to), 'name'), made('td', asked));
    row.append(made('td', countText(connections), 'figure'));
    return row;
  });
  byId('pairs')
    .querySelector('tbody')
    ?.replaceChildren(...rows);
}

/** @param {readonly TalkPair[]} pairs */
function draw(pairs) {
  const picture = byId('picture');
  const lineHeight = 22;
  const [left, right, width] = [300, 500, 800];
  const froms = [...new Map(pairs.map(({ from }) => [endText(from), from])).entries()];
  const tos = [...new Map(pairs.map(({ to }) => [endText(to), to])).entries()];
  const height = Math.max(froms.length, tos.length, 1) * lineHeight + 8;
  /** @param {[string, TalkEnd][]} ends */
  const places = (ends) => new Map(ends.map(([text], at) => [text, ((at + 0.5) * (height - 8)) / ends.length + 4]));
  const [fromAt, toAt] = [places(froms), places(tos)];
  picture.setAttribute('viewBox', `0 0 ${width} ${height}`);
  picture.toggleAttribute('hidden', pairs.length === 0);
  const lines = pairs.map(({ from, to, connections, services }) => {
    const [a, b] = [fromAt.get(endText(from)) ?? 0, toAt.get(endText(to)) ?? 0];
    const bend = (left + right) / 2;
    const line = drawn('path', {
      d: `M${left} ${a}C${bend} ${a} ${bend} ${b} ${right} ${b}`,
      'stroke-width': Math.min(12, 1.5 + Math.log2(connections + 1)),
    });
    line.append(drawn('title', {}, `${endText(from)} to ${endText(to)}: ${connections}, ${services.join(', ')}`));
    return line;
  });
  /** @param {[string, TalkEnd][]} ends @param {Map<string, number>} at @param {number} x @param {string} anchor */
  const labels = (ends, at, x, anchor) =>
    ends.map(([text, { kind }]) => {
      const group = drawn('g', { class: kind });
      const short = text.length > 36 ? `${text.slice(0, 35)}…` : text;
      group.append(drawn('text', { x, y: (at.get(text) ?? 0) + 4, 'text-anchor': anchor }, short));
      return group;
    });
  picture.replaceChildren(
    ...lines,
    ...labels(froms, fromAt, left - 8, 'end'),
    ...labels(tos, toAt, right + 8, 'start'),
  );
}
