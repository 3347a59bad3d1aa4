/** Figures as people read them. Pure. */

const steps = ['', 'k', 'M', 'G', 'T', 'P', 'E'];

/** `812`, `1.2k`, `35M`: at most four characters and a letter. */
export function count(value: number): string {
  return scaled(value, '');
}

/** Decimal units, as networks are measured in: `0 B`, `1.2 kB`, `35 MB`. */
export function bytes(value: number): string {
  return `${scaled(value, ' ')}B`;
}

/** The one or two largest units: `3h`, `2d 4h`, `850 ms`. Milliseconds; a clock that went back counts as none. */
export function duration(milliseconds: number): string {
  if (milliseconds < 1000) return `${Math.max(0, Math.round(milliseconds))} ms`;
  const seconds = Math.floor(milliseconds / 1000);
  if (seconds < 60) return `${seconds}s`;
  if (seconds < 3600) return pair(seconds, 60, 'm', 1, 's');
  if (seconds < 86_400) return pair(seconds, 3600, 'h', 60, 'm');
  return pair(seconds, 86_400, 'd', 3600, 'h');
}

/** The largest unit alone, for columns. */
export function shortDuration(milliseconds: number): string {
  return milliseconds < 1000 ? '0s' : (duration(milliseconds).split(' ')[0] ?? '');
}

/** Local time without fractions: `2026-03-01 12:00:05`. */
export function localTime(unixMilliseconds: number): string {
  const date = new Date(unixMilliseconds);
  const two = (value: number) => String(value).padStart(2, '0');
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

/** `1 zone`, `2 zones`. */
export function plural(value: number, noun: string, nouns = `${noun}s`): string {
  return `${value} ${value === 1 ? noun : nouns}`;
}

function pair(seconds: number, large: number, largeName: string, small: number, smallName: string): string {
  const rest = Math.floor((seconds % large) / small);
  return `${Math.floor(seconds / large)}${largeName}${rest === 0 ? '' : ` ${rest}${smallName}`}`;
}

function scaled(value: number, gap: string): string {
  let step = 0;
  let rest = value;
  // 999.5 would be shown as 1000.
  while (rest >= (step === 0 ? 1000 : 999.5) && step < steps.length - 1) {
    rest /= 1000;
    step += 1;
  }
  const digits = step > 0 && rest < 9.95 ? rest.toFixed(1) : String(Math.round(rest));
  return `${digits}${gap}${steps[step]}`;
}
