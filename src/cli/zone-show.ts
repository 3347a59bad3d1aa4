/** `protect-network zone show`: one zone on a page. */
import type { ConfigPaths } from '../config/config.ts';
import { createTraffic } from '../host/index.ts';
import { ExitCode, hasCode, ProtectNetworkError } from '../model/errors.ts';
import { parseLinkName } from '../model/link-name.ts';
import type { PolicedZone } from '../policy/model.ts';
import { readBook } from '../traffic/read-book.ts';
import type { ZoneBook } from '../traffic/zone-book.ts';
import { doubtsOf, readKnown } from './flows.ts';
import { zonesCalled } from './known-zones.ts';
import { type DataFormat, printData } from './listing.ts';
import { painter } from './paint.ts';
import { print, standardOutput, warn } from './terminal.ts';
import { readPage } from './zone-page.ts';
import { zonePageJson, zonePageLines } from './zone-page-text.ts';

export async function showZone(
  paths: ConfigPaths,
  asked: string,
  { data, noColor }: { readonly data: DataFormat | undefined; readonly noColor: boolean },
): Promise<ExitCode> {
  const { config, known } = await readKnown(paths);
  const traffic = createTraffic();
  try {
    const book = readBook(traffic, config, known.zones);
    const page = await readPage({ zone: theZone(asked, book, traffic), config, told: known.status, book, traffic });
    const now = Date.now();
    if (data !== undefined) await printData(zonePageJson(page, now), data);
    else {
      const { width, hasColour } = standardOutput(noColor);
      await print(`${zonePageLines(page, { now, width, paint: painter(hasColour) }).join('\n')}\n`);
    }
    for (const doubt of doubtsOf(known)) warn(doubt);
    return ExitCode.ok;
  } finally {
    traffic.close();
  }
}

/** Also a link of this host that nobody knows. Throws `refused` where there is no such zone, `usage` where there are several. */
function theZone(asked: string, book: ZoneBook, traffic: { linkNames(): ReadonlyMap<number, string> }): PolicedZone {
  try {
    const [zone, ...others] = zonesCalled(asked, book.zones);
    if (zone !== undefined && others.length === 0) return zone;
    const links = [zone, ...others].map((each) => each?.link).join(', ');
    throw new ProtectNetworkError('usage', `several zones are named '${asked}': ${links}; name the link`);
  } catch (error) {
    const link = parseLinkName(asked);
    const isHere = link !== undefined && [...traffic.linkNames().values()].includes(link);
    if (!isHere || !hasCode(error, 'refused')) throw error;
    return { link, name: undefined, addresses: [] };
  }
}
