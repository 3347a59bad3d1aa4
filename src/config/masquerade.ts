/** Under which addresses packets of zones leave, by the settings. Pure. */
import { type Address, type Family, families } from '../model/address.ts';
import type { Settings } from './settings.ts';

/** The address that is set; one that the kernel chooses; or, where it is off, the zones' own. */
export type Masquerade = Address | 'kernel' | 'off';

export function masqueradeOf({ masquerade4, masquerade6, source }: Settings['uplink'], family: Family): Masquerade {
  const isOn = family === 'ipv4' ? masquerade4 : masquerade6;
  return isOn ? (source[family] ?? 'kernel') : 'off';
}

/** Those that are set and in use. */
export function sourcesOf(uplink: Settings['uplink']): Address[] {
  return families.flatMap((family) => {
    const under = masqueradeOf(uplink, family);
    return under === 'kernel' || under === 'off' ? [] : [under];
  });
}
