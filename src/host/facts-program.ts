/**
 * A process of its own, for `report`: prints as JSON what systeminformation says this host is. The library asks by shell
 * commands (cat, ls, dmesg, dmidecode, lscpu, hostname, date), which must not run as root: the process gives its rights up
 * first. Its `networkInterfaces` is not asked: that puts names of links into such commands, several for each link.
 */
import { bios, cpu, currentLoad, mem, osInfo, system, time } from 'systeminformation';

/** `nobody` and `nogroup` (base-passwd). What only root may read of the firmware, serial numbers, is nobody's business. */
const nobody = 65_534;

if (process.geteuid?.() === 0) {
  process.setgroups?.([]);
  process.setgid?.(nobody);
  process.setuid?.(nobody);
}
process.chdir('/');

void print();

async function print(): Promise<void> {
  const facts = {
    system: await pick(system(), ['manufacturer', 'model', 'version', 'virtual', 'virtualHost']),
    firmware: await pick(bios(), ['vendor', 'version', 'releaseDate']),
    kernel: await pick(osInfo(), ['distro', 'release', 'codename', 'kernel', 'build', 'arch', 'uefi']),
    processors: await pick(cpu(), ['manufacturer', 'brand', 'processors', 'physicalCores', 'cores', 'virtualization']),
    memory: await mem(),
    load: await pick(currentLoad(), [
      'avgLoad',
      'currentLoad',
      'currentLoadUser',
      'currentLoadSystem',
      'currentLoadSteal',
    ]),
    time: time(),
  };
  process.stdout.write(`${JSON.stringify(facts, null, 2)}\n`);
}

async function pick<T>(asked: Promise<T>, keys: readonly (keyof T)[]): Promise<object> {
  const all = await asked;
  return Object.fromEntries(keys.map((key) => [key, all[key]]));
}
