/** What is in `monitoring/`, read for tests. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

const directory = join(import.meta.dirname, '../../monitoring');
export const rulesPath = join(directory, 'alerts.yaml');
export const rulesTestPath = join(directory, 'alerts.test.yaml');
const dashboardPath = join(directory, 'dashboard.json');

export interface Alert {
  readonly name: string;
  readonly expression: string;
  readonly runbook: string;
  /** All of it, as it stands. */
  readonly text: string;
}

/** promtool reads the file as YAML; here its own regular layout is enough. */
export function alerts(): Alert[] {
  const [, ...entries] = readFileSync(rulesPath, 'utf8').split(/^ {6}- alert: /m);
  return entries.map((text) => {
    const field = (name: string) => new RegExp(`^ +${name}: (.+)$`, 'm').exec(text)?.[1] ?? '';
    return {
      name: text.split('\n', 1)[0] ?? '',
      expression: field('expr'),
      runbook: field('runbook_url'),
      text,
    };
  });
}

const querySchema = z.object({ expr: z.string(), legendFormat: z.string().optional() });
const dashboardSchema = z.object({
  annotations: z.object({ list: z.array(z.object({ expr: z.string(), titleFormat: z.string() })) }),
  panels: z.array(
    z.object({
      id: z.number(),
      title: z.string(),
      gridPos: z.object({ x: z.number(), y: z.number(), w: z.number(), h: z.number() }),
      targets: z.array(querySchema).optional(),
    }),
  ),
  templating: z.object({ list: z.array(z.object({ name: z.string(), definition: z.string().optional() })) }),
});

export type Dashboard = z.infer<typeof dashboardSchema>;

export function dashboard(): Dashboard {
  return dashboardSchema.parse(JSON.parse(readFileSync(dashboardPath, 'utf8')));
}

/** Every PromQL expression of the dashboard, with what Grafana puts in for its variables. */
export function dashboardExpressions({ panels, annotations }: Dashboard): string[] {
  const expressions = [
    ...panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr)),
    ...annotations.list.map(({ expr }) => expr),
  ];
  return expressions.map((text) => text.replaceAll('$instance', '.*').replaceAll(/\$__(rate_interval|range)\b/g, '5m'));
}
