/** What a path of the control socket and of the metrics' port answers. */
import type { IncomingHttpHeaders } from 'node:http';

export interface Answer {
  readonly code: number;
  readonly type: string;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export type Route = (query: URLSearchParams, headers: IncomingHttpHeaders) => Promise<Answer>;
/** By path. */
export type Routes = ReadonlyMap<string, Route>;

export function json(code: number, value: unknown): Answer {
  return { code, type: 'application/json', body: `${JSON.stringify(value)}\n` };
}
