/** From `xl create` to a zone's first answered ping: what was measured, as the scenario tells it and docs/ keeps it. */
import { z } from 'zod';

export const parts = ['Xen and xl', 'netback', 'protect-network', 'the zone'] as const;

const span = z.object({
  part: z.enum(parts),
  what: z.string(),
  /** Both in milliseconds since `xl create`. */
  from: z.number(),
  to: z.number(),
});

export const timelineShape = z.object({
  /** What it was measured on. */
  machine: z.string(),
  spans: z.array(span),
});
export type Span = z.infer<typeof span>;
export type Timeline = z.infer<typeof timelineShape>;

/** The comment of the report that holds it. */
export const timelineWord = 'timeline: ';

export function hasTimeline(report: string): boolean {
  return report.includes(`# ${timelineWord}`);
}

/** Throws where the report has none. */
export function timelineOf(report: string): Timeline {
  const line = report.split('\n').find((each) => each.startsWith(`# ${timelineWord}`));
  if (line === undefined) throw new Error('the report has no timeline');
  return timelineShape.parse(JSON.parse(line.slice(`# ${timelineWord}`.length)));
}
