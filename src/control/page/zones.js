// The table of zones: what of it a person chooses, and its rows.
// @ts-check
/** @import { WebView, WebZone } from '../web-view.ts' */
import { byId, bytesText, collator, countText, drawn, made, readable, span, write } from './text.js';

/** Samples of a zone's history. */
const maxSamples = 30;

/**
 * @typedef {{ sent: number | null, received: number | null, dropped: number | null }} Rate
 * @typedef {{ zone: WebZone, rate: Rate, history: (number | null)[] }} Watched
 * @typedef {{ title: string, key: string, isFigure?: boolean, isSpare?: boolean, value: (row: Watched) => string | number, fill: (cell: HTMLElement, row: Watched) => void }} Column
 */

/** The link that the picture is about; undefined: all. @type {string | undefined} */
export let chosen;
/** @type {Map<string, Watched>} By link. */
let watched = new Map();
/** When the last view was read, Unix milliseconds. */
let readAt = 0;
let sort = { key: 'state', isDescending: false };

/** @param {WebZone} zone */
const droppedOf = ({ dropped }) => Object.values(dropped).reduce((sum, packets) => sum + packets, 0);
/** @param {WebZone} zone */
const dropsText = ({ dropped }) => Object.entries(dropped).map(([kind, packets]) => `${kind} ${countText(packets)}`);
/** @param {Rate} rate */
const both = ({ sent, received }) => (sent === null && received === null ? null : (sent ?? 0) + (received ?? 0));

export const stateRanks = ['failed', 'taken', 'unserved', 'opening', 'ready'];

/** @type {readonly Column[]} */
const columns = [
  {
    title: 'Zone',
    key: 'name',
    value: ({ zone }) => zone.name ?? zone.link,
    fill(cell, { zone }) {
      const button = cell.querySelector('button') ?? cell.appendChild(made('button', ''));
      button.type = 'button';
      button.dataset['link'] = zone.link;
      button.ariaPressed = String(zone.link === chosen);
      write(button, zone.name ?? zone.link);
    },
  },
  {
    title: 'Link',
    key: 'link',
    isSpare: true,
    value: ({ zone }) => zone.link,
    fill: (cell, { zone }) => write(cell, zone.link),
  },
  {
    title: 'Addresses',
    key: 'address',
    isSpare: true,
    value: ({ zone }) => zone.addresses[0] ?? '',
    fill: (cell, { zone }) => write(cell, zone.addresses.join(' ')),
  },
  {
    title: 'State',
    key: 'state',
    value: ({ zone }) => stateRanks.indexOf(zone.state),
    fill(cell, { zone }) {
      const isIdle = zone.state === 'ready' && zone.carrier === false;
      cell.className = isIdle ? 'warning' : zone.state;
      cell.title = readable(zone.reason ?? '');
      write(cell, `${zone.state}${isIdle ? ', no carrier' : ''} ${span(readAt - zone.since)}`);
    },
  },
  figure('Sent/s', 'sent', ({ rate }) => rate.sent, bytesText),
  figure('Received/s', 'received', ({ rate }) => rate.received, bytesText),
  {
    title: 'History',
    key: 'both',
    value: ({ rate }) => both(rate) ?? -1,
    fill(cell, { history }) {
      const svg = cell.querySelector('svg') ?? cell.appendChild(drawn('svg', sparkline));
      const line = svg.firstElementChild ?? svg.appendChild(drawn('polyline', {}));
      line.setAttribute('points', pointsOf(history));
    },
  },
  figure('Dropped/s', 'drops', ({ rate }) => rate.dropped, countText),
  {
    ...figure('Dropped', 'dropped', ({ zone }) => droppedOf(zone), countText),
    fill(cell, { zone }) {
      cell.title = dropsText(zone).join(', ');
      cell.className = droppedOf(zone) > 0 ? 'figure warning' : 'figure';
      write(cell, countText(droppedOf(zone)));
    },
  },
  {
    title: 'Policy',
    key: 'policy',
    isSpare: true,
    value: ({ zone }) => zone.policy,
    fill: (cell, { zone }) => write(cell, zone.policy),
  },
];

const sparkline = {
  class: 'history',
  viewBox: `0 0 ${maxSamples - 1} 10`,
  preserveAspectRatio: 'none',
  'aria-hidden': 'true',
};

/**
 * @param {string} title @param {string} key @param {(row: Watched) => number | null} figureOf @param {(value: number | null) => string} text
 * @returns {Column}
 */
function figure(title, key, figureOf, text) {
  return {
    title,
    key,
    isFigure: true,
    value: (row) => figureOf(row) ?? -1,
    fill: (cell, row) => write(cell, text(figureOf(row))),
  };
}

/** The youngest at the right, each against the highest; what is not known is left out. @param {(number | null)[]} history */
function pointsOf(history) {
  const highest = Math.max(1, ...history.map((value) => value ?? 0));
  const first = maxSamples - history.length;
  return history
    .flatMap((value, at) => (value === null ? [] : [`${first + at},${9.5 - (9 * value) / highest}`]))
    .join(' ');
}

/** @param {WebView} now */
export function learn(now) {
  const seconds = readAt === 0 ? 0 : (now.at - readAt) / 1000;
  // An answer from before: others have asked, too.
  if (readAt !== 0 && seconds <= 0) return;
  /** @param {number | null | undefined} before @param {number | null} after */
  const growth = (before, after) =>
    seconds <= 0 || before === undefined || before === null || after === null || after < before
      ? null
      : (after - before) / seconds;
  watched = new Map(
    now.zones.map((zone) => {
      const was = watched.get(zone.link);
      const rate = {
        sent: growth(was?.zone.sent, zone.sent),
        received: growth(was?.zone.received, zone.received),
        dropped: growth(was && droppedOf(was.zone), droppedOf(zone)),
      };
      return [zone.link, { zone, rate, history: [...(was?.history ?? []), both(rate)].slice(-maxSamples) }];
    }),
  );
  readAt = now.at;
}

export function showZones() {
  const filter = /** @type {HTMLInputElement} */ (byId('filter')).value;
  const words = filter.toLowerCase().split(' ').filter(Boolean);
  const rows = [...watched.values()].filter(({ zone }) => {
    const text = [zone.name, zone.link, ...zone.addresses, zone.state, zone.policy].join(' ').toLowerCase();
    return words.every((word) => text.includes(word));
  });
  const column = columns.find(({ key }) => key === sort.key);
  const direction = sort.isDescending ? -1 : 1;
  if (column !== undefined) {
    rows.sort((one, other) => {
      const [a, b] = [column.value(one), column.value(other)];
      const order = typeof a === 'number' && typeof b === 'number' ? a - b : collator.compare(String(a), String(b));
      return direction * order || collator.compare(one.zone.link, other.zone.link);
    });
  }
  const body = byId('zones').querySelector('tbody');
  if (body === null) return;
  const known = new Map([...body.rows].map((row) => [row.dataset['link'], row]));
  const wanted = rows.map((row) => shownRow(known.get(row.zone.link), row));
  // A row that stays where it is keeps the focus.
  if (wanted.length !== body.rows.length || wanted.some((row, at) => row !== body.rows[at]))
    keepFocus(() => body.replaceChildren(...wanted));
  write(byId('shown'), words.length === 0 ? '' : `${rows.length} of ${watched.size} zones`);
}

/** @param {() => void} change */
function keepFocus(change) {
  const focused = document.activeElement;
  change();
  if (focused instanceof HTMLElement && focused.isConnected) focused.focus({ preventScroll: true });
}

/** @param {HTMLTableRowElement | undefined} known @param {Watched} row */
function shownRow(known, row) {
  const element = known ?? newRow(row.zone.link);
  element.classList.toggle('chosen', row.zone.link === chosen);
  columns.forEach(({ fill }, at) => {
    const cell = element.cells[at];
    if (cell !== undefined) fill(cell, row);
  });
  return element;
}

/** @param {string} link */
function newRow(link) {
  const element = made('tr', '');
  element.dataset['link'] = link;
  element.append(
    ...columns.map(({ isFigure, isSpare, key }) => made('td', '', classOf(isFigure, isSpare, key === 'name'))),
  );
  return element;
}

/** @param {boolean | undefined} isFigure @param {boolean | undefined} isSpare @param {boolean} [isName] */
function classOf(isFigure, isSpare, isName) {
  return [isFigure && 'figure', isSpare && 'spare', isName && 'name'].filter(Boolean).join(' ');
}

export function showTableHead() {
  const head = byId('zones').querySelector('thead tr');
  const cells = columns.map(({ title, key, isFigure, isSpare }) => {
    const cell = made('th', '', classOf(isFigure, isSpare));
    cell.scope = 'col';
    const button = made('button', title);
    button.type = 'button';
    button.addEventListener('click', () => {
      const isFirst = sort.key !== key;
      sort = { key, isDescending: isFirst ? isFigure === true || key === 'both' : !sort.isDescending };
      showOrder();
      showZones();
    });
    cell.append(button);
    return cell;
  });
  head?.replaceChildren(...cells);
  showOrder();
}

function showOrder() {
  const heads = byId('zones').querySelectorAll('thead th');
  heads.forEach((cell, at) => {
    if (columns[at]?.key === sort.key) cell.ariaSort = sort.isDescending ? 'descending' : 'ascending';
    else cell.ariaSort = null;
  });
}

/** Again for the same link: all. @param {string} link */
export function choose(link) {
  chosen = chosen === link ? undefined : link;
}

/** The name that people know a link by. @param {string} link */
export function nameOf(link) {
  return watched.get(link)?.zone.name ?? link;
}
