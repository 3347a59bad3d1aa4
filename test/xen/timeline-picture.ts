/** The timeline as SVG: a lane for each part, to scale. Pure. */
import { parts, type Span, type Timeline } from './timeline.ts';

const [left, right, laneHeight, barHeight, top] = [150, 30, 74, 22, 64] as const;
const width = 960;
const colours: Readonly<Record<(typeof parts)[number], string>> = {
  'Xen and xl': '#8c959f',
  netback: '#bf8700',
  'protect-network': '#cf222e',
  'the zone': '#0969da',
};

export function timelinePicture({ machine, spans }: Timeline): string {
  const last = Math.max(...spans.map(({ to }) => to));
  const x = (at: number) => left + (at / last) * (width - left - right);
  const height = top + parts.length * laneHeight + 44;
  const axis = height - 40;
  const body = [
    text(16, 26, 'From xl create to a zone’s first answered ping', 'font-size="16" font-weight="600"'),
    text(16, 46, `${machine}; ${seconds(last)} in all`, 'fill="#57606a"'),
    ...ticks(last).flatMap((at) => [
      `<line x1="${x(at)}" y1="${top}" x2="${x(at)}" y2="${axis}" stroke="#d0d7de"/>`,
      text(x(at), axis + 18, seconds(at), 'text-anchor="middle" fill="#57606a"'),
    ]),
    ...parts.flatMap((part, lane) => lines(part, top + lane * laneHeight, spans, x)),
  ];
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="system-ui, sans-serif" font-size="12" fill="#24292f">
<title>From xl create to a zone’s first answered ping</title>
<rect width="100%" height="100%" fill="#ffffff"/>
${body.join('\n')}
</svg>
`;
}

function lines(part: Span['part'], y: number, spans: readonly Span[], x: (at: number) => number): string[] {
  const own = spans.filter((span) => span.part === part).sort((a, b) => a.from - b.from);
  const sum = own.reduce((all, { from, to }) => all + to - from, 0);
  return [
    text(16, y + 20, part, 'font-weight="600"'),
    text(16, y + 36, milliseconds(sum), 'fill="#57606a"'),
    ...own.flatMap(({ what, from, to }, place) => {
      // Never thinner than can be seen.
      const bar = Math.max(1, x(to) - x(from));
      const isLate = x(from) > width * 0.6;
      const label = `${what}, ${milliseconds(to - from)}`;
      return [
        `<rect x="${x(from).toFixed(1)}" y="${y + 4}" width="${bar.toFixed(1)}" height="${barHeight}" fill="${colours[part]}" fill-opacity="${place % 2 === 0 ? 0.9 : 0.6}"><title>${escaped(label)}</title></rect>`,
        text(
          isLate ? x(to) : x(from),
          y + barHeight + 17 + (place % 3) * 13,
          label,
          `text-anchor="${isLate ? 'end' : 'start'}" font-size="10"`,
        ),
      ];
    }),
  ];
}

/** About eight, at round figures. */
function ticks(last: number): number[] {
  const step = [100, 200, 500, 1000, 2000, 5000, 10_000].find((each) => last / each <= 9) ?? 20_000;
  return Array.from({ length: Math.floor(last / step) + 1 }, (_, place) => place * step);
}

function seconds(at: number): string {
  return `${(at / 1000).toFixed(1)} s`;
}

function milliseconds(span: number): string {
  return `${span < 10 ? span.toFixed(1) : Math.round(span)} ms`;
}

function text(x: number, y: number, content: string, attributes: string): string {
  return `<text x="${x.toFixed(1)}" y="${y}" ${attributes}>${escaped(content)}</text>`;
}

function escaped(content: string): string {
  return content.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}
