/** Tools of releases that are too old: one sentence at the start, and nothing done. */
import { describe, expect, it } from 'vitest';
import { withNft } from '../lab/stand-in.ts';
import { withWorld } from '../lab/world.ts';
import { releaseNamed } from '../releases/releases.ts';
import { prepareRoot } from '../releases/root.ts';

/** The root is made first where it is not there yet. */
const timeoutMs = 300_000;

describe('nft 0.9.8 of Debian 11', () => {
  it.each(['run', 'plan', 'cleanup'])(
    '%s ends with 1, says what to install, and leaves no trace',
    (command) =>
      withWorld({}, async (world) => {
        await world.declareZone(await world.addZone({ domid: 7 }));
        const before = await world.host.snapshot();
        const { exitCode, stdout, stderr } = await withNft(world, await nftOf('bullseye'), [command]);
        expect({ exitCode, stdout, stderr }).toEqual({
          exitCode: 1,
          stdout: '',
          stderr: expect.stringMatching(/^\S+: nft 0\.9\.8 is too old: [^\n]*; install nftables 1\.0\.6 or newer\n$/),
        });
        expect(await world.host.snapshot()).toBe(before);
        expect(await world.host.sysctl('net/ipv4/ip_forward')).toBe('0');
      }),
    timeoutMs,
  );
});

async function nftOf(suite: string): Promise<string> {
  const nft = (await prepareRoot(releaseNamed(suite))).find(({ name }) => name === 'nft');
  if (nft === undefined) throw new Error(`${suite} has no nft`);
  return nft.source;
}
