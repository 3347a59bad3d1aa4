/** Fetches what tests take from Debian's archive, while there is one to reach. */
import { unpackManagers } from '../managers/packages.ts';
import { promtool } from '../monitoring/promtool.ts';
import { releases } from '../releases/releases.ts';
import { prepareRoot } from '../releases/root.ts';
import { unpackXenstored } from '../xenstored/packages.ts';

await Promise.all([unpackManagers(), unpackXenstored(), promtool('--version')]);
for (const release of releases) await prepareRoot(release);
