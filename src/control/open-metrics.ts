/**
 * The text format of OpenMetrics 1.0 (https://prometheus.io/docs/specs/om/open_metrics_spec/): families of samples, each
 * family announced once and its samples together, `# EOF` at the end. And the one before it, Prometheus' 0.0.4
 * (https://prometheus.io/docs/instrumenting/exposition_formats/), for collectors that refuse a whole answer with a type that they do not
 * know, as Vector does with `info`. Pure.
 */

export interface MetricsFormat {
  readonly contentType: string;
  readonly render: (families: readonly Family[]) => string;
}

/** `accept`: the request's header of that name. Who names neither format gets OpenMetrics. */
export function formatFor(accept = ''): MetricsFormat {
  return accept.includes('text/plain') && !accept.includes('application/openmetrics-text') ? plainText : openMetrics;
}

const openMetrics: MetricsFormat = {
  contentType: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
  render: renderFamilies,
};

const plainText: MetricsFormat = {
  contentType: 'text/plain; version=0.0.4; charset=utf-8',
  render: (families) => `${families.flatMap(plainLines).join('\n')}\n`,
};

/** Of the types there are, ours that are not counters are gauges; samples keep their names, and each name is a family. */
function plainLines({ name, type, help, samples }: Family): string[] {
  const bySuffix = [...Map.groupBy(samples, ({ suffix }) => suffix)];
  return bySuffix.flatMap(([suffix, alike]) => [
    `# HELP ${name}${suffix} ${help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')}`,
    `# TYPE ${name}${suffix} ${type === 'counter' ? 'counter' : 'gauge'}`,
    ...alike.map((sample) => sampleLine(name, sample)),
  ]);
}

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
