/** How Xen is booted in an emulated machine. */
import { type Boot, bootMachine, processor } from '../machine/boot.ts';
import type { XenImage } from './image.ts';

export interface Dom0 {
  readonly xenstored: 'xenstored' | 'oxenstored';
  readonly udev: boolean;
  /** Which checks. */
  readonly plan: 'traffic' | 'life' | 'other';
}

const limitMs = 15 * 60_000;
/** SMAP stays off: QEMU 7.2 faults the `iretq` of a PV kernel under it. SVM and nested paging are for PVH. */
const xenProcessor = `${processor},+svm,+npt`;

export function bootXen(image: XenImage, dom0: Dom0, input: string, heard: (text: string) => void): Promise<Boot> {
  // Without its defences against speculation, which an emulator has none of, Xen takes a quarter less of the processor.
  const xen =
    'console=com1 com1=115200,8n1 dom0_mem=896M,max:896M dom0_max_vcpus=1 loglvl=warning noreboot=1 spec-ctrl=no';
  const options = [
    ...['-cpu', xenProcessor, '-m', '1792', '-kernel', image.xen, '-append', xen],
    // Multiboot: the modules of Xen, the first with what it is told.
    ...['-initrd', `${image.kernel} ${commandLine(dom0)},${image.initrd}`],
  ];
  // One, as two boots share this machine: processors that wait for each other in spinlocks must not lose theirs.
  return bootMachine({ options, disk: image.disk, input, processors: 1, limitMs, heard });
}

function commandLine({ xenstored, udev, plan }: Dom0): string {
  const words = ['console=hvc0', 'quiet', 'mitigations=off', 'panic=-1', 'net.ifnames=1', `test.plan=${plan}`];
  return [...words, ...(xenstored === 'oxenstored' ? ['test.oxenstored'] : []), ...(udev ? ['test.udev'] : [])].join(
    ' ',
  );
}
