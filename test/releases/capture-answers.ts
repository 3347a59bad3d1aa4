/** `capture-answers.ts FILE` asks about the network namespace that it runs in and writes the transcript. */
import { writeFile } from 'node:fs/promises';
import { findTools } from '../../src/host/tools.ts';
import { askAll } from './questions.ts';
import { recording, renderTranscript, type Transcript } from './transcript.ts';

const [file] = process.argv.slice(2);
if (file === undefined) throw new Error('a file to write is missing');
const transcript: Transcript = new Map();
await askAll(recording(findTools(), transcript));
await writeFile(file, renderTranscript(transcript));
// The tools' helpers would wait for more.
process.exit();
