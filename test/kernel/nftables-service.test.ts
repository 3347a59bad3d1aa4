/** What nftables.service does to a host, and rulesets that people load with it. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { documented, type } from '../lab/documentation.ts';
import { openScene, type Scene, untilNothingToDo } from '../lab/served.ts';
import { waitFor } from '../lab/wait-for.ts';
import { allWays, openWays, type Ways } from '../lab/ways.ts';

/** Debian's /etc/nftables.conf. */
const stock = `
flush ruleset
table inet filter {
	chain input { type filter hook input priority filter; }
	chain forward { type filter hook forward priority filter; }
	chain output { type filter hook output priority filter; }
}`;
/** A host's own rules in the shared table: all that is routed is refused in the end. */
const shared = ['ip', 'ip6']
  .map(
    (family) => `table ${family} filter {
	chain FORWARD { type filter hook forward priority filter; policy drop;
		ct state established,related accept
		iifname "lan0" accept
		reject
	}
}`,
  )
  .join('\n');
/** In a table of its own, where no accept of ours counts. */
const separate = `
table inet filter {
	chain forward { type filter hook forward priority filter; policy drop; ct state established,related accept; }
}`;

describe('systemctl restart nftables', () => {
  let scene: Scene;
  let ways: Ways;
  beforeAll(async () => {
    scene = await openScene({ routeBack: true, settings: { reconcile: { 'resync-seconds': 5 } } });
    ways = await openWays(scene);
    return () => scene.world.destroy();
  });

  it('with Debian’s file takes nothing from zones: what was ours is there again, to the byte', async () => {
    const { host } = scene.world;
    const before = await ours(scene);
    await restart(scene, stock);
    expect(await ways.openAfterRepair()).toEqual(allWays);
    expect(await ours(scene)).toEqual(before);
    expect(await host.mustExec('nft', ['list', 'tables'])).toContain('table inet filter');
  });

  it('with a forward chain in the shared tables that ends in a reject leaves zones open', async () => {
    const { host } = scene.world;
    await restart(scene, `flush ruleset\n${shared}`);
    expect(await ways.openAfterRepair()).toEqual(allWays);
    for (const family of ['ip', 'ip6']) {
      const chain = await host.mustExec('nft', ['list', 'chain', family, 'filter', 'FORWARD']);
      expect(chain).toMatch(/policy drop;\s+ct state .*\n.*"lan0" accept\n.*jump EDERA-FORWARD\n\s+reject/);
    }
  });

  it('with a forward chain in a table of its own: what drops is named, and the documented commands mend it', async () => {
    const { world, daemon } = scene;
    await restart(scene, `flush ruleset\n${separate}`);
    await untilNothingToDo(world);
    expect(await ways.open([])).toEqual([]);
    const named = /chain forward of table inet filter/;
    const warning = await waitFor(async () => (await daemon.status()).warnings.find((text) => named.test(text)), {
      what: 'a warning about the chain',
      deadlineMs: 20_000,
      everyMs: 50,
    });
    expect(warning).toMatch(/no rule of ours can change that.*nft insert rule inet filter forward /);
    await daemon.waitForLog(({ msg, level }) => named.test(String(msg)) && level === 40);
    await type(world.host, documented('a forward chain of your own lets zones pass, both ways'));
    expect(await ways.open()).toEqual(allWays);
  });
});

/** What the unit runs: `ExecStop`, then `ExecStart`. */
async function restart({ world: { host, files } }: Scene, configuration: string): Promise<void> {
  const path = join(files.directory, 'nftables.conf');
  await writeFile(path, configuration);
  await host.mustExec('nft', ['flush', 'ruleset']);
  await host.mustExec('nft', ['-f', path]);
}

/** Routes, proxies and rules without those of `inet filter`, in no order: tables are listed as they were made. */
async function ours({ world }: Scene): Promise<string[]> {
  const lines = (await world.host.snapshot()).split('\n');
  const isTheirs = (line: string) => line.includes('"family":"inet"') && /"(table|name)":"filter"/.test(line);
  return lines.filter((line) => !isTheirs(line)).sort();
}
