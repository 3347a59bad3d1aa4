// What the page's parts share: the document, and words for people. A text is written as text, never as HTML.
// @ts-check

const byteUnits = new Intl.NumberFormat('en', {
  notation: 'compact',
  style: 'unit',
  unit: 'byte',
  unitDisplay: 'narrow',
  maximumSignificantDigits: 3,
});
const counts = new Intl.NumberFormat('en', { notation: 'compact', maximumSignificantDigits: 3 });
export const collator = new Intl.Collator('en', { numeric: true });

/** @param {string} id */
export function byId(id) {
  const element = document.getElementById(id);
  if (element === null) throw new Error(`the page has no ${id}`);
  return element;
}

/** Control characters and what turns the direction of text: a name is not to be taken for another. @param {string} text */
export function readable(text) {
  return text.replaceAll(/\p{C}|\p{Zl}|\p{Zp}/gu, '\ufffd');
}

/** @param {Element} element @param {string} text */
export function write(element, text) {
  const shown = readable(text);
  if (element.textContent !== shown) element.textContent = shown;
}

/** @template {keyof HTMLElementTagNameMap} Name @param {Name} name @param {string} text @param {string} [className] */
export function made(name, text, className = '') {
  const element = document.createElement(name);
  element.className = className;
  write(element, text);
  return element;
}

/** @param {string} name @param {Record<string, string | number>} attributes @param {string} [text] */
export function drawn(name, attributes, text) {
  const element = document.createElementNS('http://www.w3.org/2000/svg', name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value));
  if (text !== undefined) element.textContent = readable(text);
  return element;
}

/** @param {number} milliseconds */
export function span(milliseconds) {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  if (seconds < 60) return `${seconds}s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m`;
  return seconds < 86_400 ? `${Math.floor(seconds / 3600)}h` : `${Math.floor(seconds / 86_400)}d`;
}

/** @param {number | null} value */
export const bytesText = (value) => (value === null ? '–' : byteUnits.format(value));
/** @param {number | null} value */
export const countText = (value) => (value === null ? '–' : counts.format(value));
