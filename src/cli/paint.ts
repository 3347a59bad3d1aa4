/** Colour by meaning. A painter without colour returns its text. */

export type Tone = 'good' | 'bad' | 'warning' | 'faint' | 'strong' | 'plain';
export type Paint = (tone: Tone, text: string) => string;

/** SGR parameters (ECMA-48): the terminal's own palette, so that light and dark schemes both read. */
const codes: Record<Exclude<Tone, 'plain'>, string> = { good: '32', bad: '31', warning: '33', faint: '2', strong: '1' };

export function painter(colour: boolean): Paint {
  if (!colour) return (_tone, text) => text;
  return (tone, text) => (tone === 'plain' || text === '' ? text : `\x1b[${codes[tone]}m${text}\x1b[0m`);
}
