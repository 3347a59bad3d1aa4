/** Settings as their file would say them. Pure. */
import type { Config } from '../config/config.ts';
import type { Settings } from '../config/settings.ts';
import { defaultSettings } from '../config/settings-schema.ts';
import { families } from '../model/address.ts';

/** `table.key = value` for every setting that differs from its default, in the file's order. */
export function differingSettings(settings: Settings): string[] {
  return Object.entries(settings).flatMap(([table, values]) => {
    const defaults = new Map(Object.entries(defaultSettings[table as keyof Settings]));
    return Object.entries(values).flatMap(([key, value]) => {
      const text = valueText(key, value);
      return text === valueText(key, defaults.get(key)) ? [] : [`${table}.${kebab(key)} = ${text}`];
    });
  });
}

/** What people would see changed in either file, `table.key = old → new` each, in the files' order. */
export function changesBetween(before: Config, after: Config): string[] {
  const subnets = families.flatMap((family) => {
    const [old, fresh] = [before, after].map(({ subnets }) => JSON.stringify(subnets[family]?.prefix.text ?? ''));
    return old === fresh ? [] : [`network.${family}.subnet = ${old} → ${fresh}`];
  });
  const settings = Object.entries(after.settings).flatMap(([table, values]) => {
    const old = new Map<string, unknown>(Object.entries(before.settings[table as keyof Settings]));
    return Object.entries(values).flatMap(([key, value]) => {
      const change = changeText(key, old.get(key), value);
      return change === undefined ? [] : [`${table}.${kebab(key)} ${change}`];
    });
  });
  return [...subnets, ...settings];
}

function changeText(key: string, old: unknown, fresh: unknown): string | undefined {
  const [from, to] = [valueText(key, old), valueText(key, fresh)];
  if (from === to) return undefined;
  if (!Array.isArray(old) || !Array.isArray(fresh)) return `= ${from} → ${to}`;
  const [had, has] = [old, fresh].map((list) => new Set(list.map((each) => valueText(key, each))));
  const added = [...(has ?? [])].filter((each) => had?.has(each) === false);
  const removed = [...(had ?? [])].filter((each) => has?.has(each) === false);
  // A long list of which a little changed; an order that changed has to be seen as a whole.
  const isShort = from.length + to.length < 80 || (added.length === 0 && removed.length === 0);
  return isShort
    ? `= ${from} → ${to}`
    : [...added.map((each) => `+ ${each}`), ...removed.map((each) => `− ${each}`)].join(', ');
}

function valueText(key: string, value: unknown): string {
  if (value === undefined) return '""';
  if (Array.isArray(value)) return `[${value.map((each) => valueText(key, each)).join(', ')}]`;
  if (key === 'mark' && typeof value === 'number') return `0x${value.toString(16)}`;
  if (isPrefix(value)) return JSON.stringify(value.text);
  if (isPerFamily(value))
    return valueText(
      key,
      families.flatMap((family) => value[family] ?? []),
    );
  if (isListenAddress(value)) {
    const host = value.host.includes(':') ? `[${value.host}]` : value.host;
    return JSON.stringify(`${host}:${value.port}`);
  }
  return JSON.stringify(value);
}

function isPrefix(value: unknown): value is { text: string } {
  return typeof value === 'object' && value !== null && 'text' in value;
}

function isPerFamily(value: unknown): value is Settings['uplink']['source'] {
  return typeof value === 'object' && value !== null && 'ipv4' in value && 'ipv6' in value;
}

function isListenAddress(value: unknown): value is { host: string; port: number } {
  return typeof value === 'object' && value !== null && 'host' in value && 'port' in value;
}

function kebab(key: string): string {
  return key.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
