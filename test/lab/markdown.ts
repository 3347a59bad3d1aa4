/** Markdown, as far as our documentation uses it. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const root = join(import.meta.dirname, '../..');

export interface Document {
  /** Below the repository. */
  readonly path: string;
  readonly text: string;
}

export interface Block {
  readonly language: string;
  readonly text: string;
}

/** What operators read: README.md and everything in docs. */
export function documents(): Document[] {
  const pages = readdirSync(join(root, 'docs')).filter((name) => name.endsWith('.md'));
  return ['README.md', ...pages.map((name) => `docs/${name}`)].map(read);
}

export function read(path: string): Document {
  return { path, text: readFileSync(join(root, path), 'utf8') };
}

/** Fenced blocks, also those within lists, without their indentation. */
export function blocksIn(text: string): Block[] {
  return [...text.matchAll(/^( *)```(\w*)\n([\s\S]*?)^\1```$/gm)].map(([, indent = '', language = '', body = '']) => {
    return { language, text: body.replaceAll(new RegExp(`^${indent}`, 'gm'), '') };
  });
}

/** Code within lines of text. */
export function spansIn(text: string): string[] {
  const prose = text.replaceAll(/^( *)```[\s\S]*?^\1```$/gm, '');
  return [...prose.matchAll(/`([^`\n]+)`/g)].map(([, span = '']) => span);
}

/** The cells of every table row below the heading `title`, down to the next heading. */
export function rowsBelow(text: string, title: string): string[][] {
  const [, rest = ''] = text.split(`\n## ${title}\n`);
  const lines = (rest.split('\n## ', 1)[0] ?? '').split('\n').filter((line) => line.startsWith('|'));
  return lines.slice(2).map((line) =>
    line
      .slice(1, -1)
      .split(' | ')
      .map((cell) => cell.trim()),
  );
}

/** What a link may name behind `#`, as GitHub makes it of headings. */
export function anchorsIn(text: string): string[] {
  return [...text.matchAll(/^#+ (.+)$/gm)].map(([, title = '']) =>
    title
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

/** Links to our own files, from the repository's root. */
export function linksIn({ path, text }: Document): { target: string; anchor: string | undefined }[] {
  const targets = [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => target);
  return targets
    .filter((target) => !/^[a-z]+:/.test(target))
    .map((target) => {
      const [file = '', anchor] = target.split('#');
      return { target: file === '' ? path : join(dirname(path), file), anchor };
    });
}
