/**
 * The text format of OpenMetrics 1.0 (https://prometheus.io/docs/specs/om/open_metrics_spec/): families of samples, each
 * family announced once and its samples together, `# EOF` at the end. Pure.
 */

type FamilyType = 'counter' | 'gauge' | 'gaugehistogram' | 'info';

export interface Sample {
  /** After the family's name: `_total`, `_info`, `_bucket`; nothing for a gauge. */
  readonly suffix: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface Family {
  readonly name: string;
  readonly type: FamilyType;
  /** A name with a unit ends in it. */
  readonly unit?: 'seconds' | 'bytes';
  readonly help: string;
  readonly samples: readonly Sample[];
}

/** One of ours; its unit is in its name. */
export function family(name: string, type: Family['type'], help: string, samples: Family['samples']): Family {
  const unit = (['seconds', 'bytes'] as const).find((each) => name.endsWith(`_${each}`));
  return { name: `protect_network_${name}`, type, ...(unit && { unit }), help, samples };
}

export function renderFamilies(families: readonly Family[]): string {
  const lines = families.filter(({ samples }) => samples.length > 0).flatMap(linesOf);
  return `${[...lines, '# EOF'].join('\n')}\n`;
}

export function gauge(value: number, labels: Readonly<Record<string, string>> = {}): Sample {
  return { suffix: '', labels, value };
}

export function counter(value: number, labels: Readonly<Record<string, string>> = {}): Sample {
  return { suffix: '_total', labels, value };
}

export function info(labels: Readonly<Record<string, string>>): Sample {
  return { suffix: '_info', labels, value: 1 };
}

/** `values` counted into buckets; `bounds` ascend. What comes and goes again (a window) is a gauge histogram. */
export function gaugeHistogram(values: readonly number[], bounds: readonly number[]): Sample[] {
  const buckets = [...bounds, Number.POSITIVE_INFINITY].map((bound) => ({
    suffix: '_bucket',
    labels: { le: boundText(bound) },
    value: values.filter((value) => value <= bound).length,
  }));
  const sum = values.reduce((total, value) => total + value, 0);
  return [
    ...buckets,
    { suffix: '_gcount', labels: {}, value: values.length },
    { suffix: '_gsum', labels: {}, value: sum },
  ];
}

function linesOf({ name, type, unit, help, samples }: Family): string[] {
  const head = [`# TYPE ${name} ${type}`, ...(unit === undefined ? [] : [`# UNIT ${name} ${unit}`])];
  return [...head, `# HELP ${name} ${escaped(help)}`, ...samples.map((sample) => sampleLine(name, sample))];
}

function sampleLine(name: string, { suffix, labels, value }: Sample): string {
  const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escaped(text)}"`);
  return `${name}${suffix}${pairs.length === 0 ? '' : `{${pairs.join(',')}}`} ${value}`;
}

/** A bound is a label and compared as text, so it has the standard's canonical spelling: `0.25`, `1.0`, `+Inf`. */
function boundText(bound: number): string {
  if (bound === Number.POSITIVE_INFINITY) return '+Inf';
  return Number.isInteger(bound) ? bound.toFixed(1) : String(bound);
}

function escaped(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}
