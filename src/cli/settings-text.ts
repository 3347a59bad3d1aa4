/** Settings as their file would say them. Pure. */
import { defaultSettings, type Settings } from '../config/settings.ts';

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

function valueText(key: string, value: unknown): string {
  if (value === undefined) return '""';
  if (Array.isArray(value)) return `[${value.map((each) => valueText(key, each)).join(', ')}]`;
  if (key === 'mark' && typeof value === 'number') return `0x${value.toString(16)}`;
  if (isPrefix(value)) return JSON.stringify(value.text);
  if (isListenAddress(value)) {
    const host = value.host.includes(':') ? `[${value.host}]` : value.host;
    return JSON.stringify(`${host}:${value.port}`);
  }
  return JSON.stringify(value);
}

function isPrefix(value: unknown): value is { text: string } {
  return typeof value === 'object' && value !== null && 'text' in value;
}

function isListenAddress(value: unknown): value is { host: string; port: number } {
  return typeof value === 'object' && value !== null && 'host' in value && 'port' in value;
}

function kebab(key: string): string {
  return key.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
