/** How the image with systemd is booted. */
import { type Boot, bootMachine, processor } from '../machine/boot.ts';
import type { Image } from './image.ts';

const limitMs = 20 * 60_000;

/** `input` is a directory with `scenario.sh`; `heard` gets the report as it grows. */
export function bootImage(
  { kernel, initrd, disk }: Image,
  input: string,
  heard: (text: string) => void,
): Promise<Boot> {
  const options = [
    ...['-cpu', processor, '-m', '1024', '-kernel', kernel, '-initrd', initrd],
    ...['-append', 'console=ttyS0 panic=-1 mitigations=off systemd.show_status=false'],
  ];
  return bootMachine({ options, disk, input, processors: 2, limitMs, heard });
}
