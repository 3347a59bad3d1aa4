/** What tools were asked and what they answered, as text for people: `$ command`, then all that it printed. */
import type { Tools } from '../../src/host/tools.ts';

/** By command line. */
export type Transcript = Map<string, string>;

export function renderTranscript(transcript: Transcript): string {
  return [...transcript].map(([command, answer]) => `$ ${command}\n${answer}`).join('');
}

/** An answer never has a line that begins with `$ `: tools that print one would have to be quoted. */
export function parseTranscript(text: string): Transcript {
  const entries = text.split(/^\$ /m).slice(1);
  return new Map(
    entries.map((entry) => {
      const end = entry.indexOf('\n');
      return [entry.slice(0, end), entry.slice(end + 1)];
    }),
  );
}

/** The tools, with every answer that they give to the end written down. */
export function recording(tools: Tools, transcript: Transcript): Tools {
  return {
    ...tools,
    async run(tool, args, options) {
      const result = await tools.run(tool, args, options);
      transcript.set([tool, ...args].join(' '), result.stdout);
      return result;
    },
  };
}

/** Tools that say again what was written down, and fail for anything else. */
export function replaying(transcript: Transcript): Tools {
  return {
    environment: {},
    path: (tool) => `/nonexistent/${tool}`,
    async run(tool, args) {
      const stdout = transcript.get([tool, ...args].join(' '));
      if (stdout === undefined) throw new Error(`nobody asked ${tool} ${args.join(' ')} when this was captured`);
      return { stdout, stderr: '', exitCode: 0 };
    },
  };
}
