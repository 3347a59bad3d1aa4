/** An XDP program that gives each packet the same verdict, at a link for as long as its process lives. */
import type { LongRunning } from './command.ts';
import type { Namespace } from './namespace.ts';
import { waitFor } from './wait-for.ts';

/** XDP_*, linux/bpf.h. */
export const xdpDrop = 1;
export const xdpPass = 2;

/** BPF_PROG_LOAD (5) of `r0 = verdict; exit`, then BPF_LINK_CREATE (28) of type BPF_XDP (37) in generic mode (2). No compiler is needed. */
const script = `
  use strict; my ($link, $verdict) = @ARGV; $| = 1;
  open my $file, '<', "/sys/class/net/$link/ifindex" or die; my $index = <$file>;
  my $code = pack('CCsl', 0xb7, 0, 0, $verdict) . pack('CCsl', 0x95, 0, 0, 0);
  my $load = pack('LLQQLLQLLa16L', 6, 2, unpack('Q', pack('P', $code)), unpack('Q', pack('P', "GPL")), 0, 0, 0, 0, 0, 'fate', 0);
  my $program = syscall(321, 5, $load, length $load); die "load: $!" if $program < 0;
  my $create = pack('LLLL', $program, $index, 37, 2);
  die "attach: $!" if syscall(321, 28, $create, length $create) < 0;
  print "attached\\n"; sleep 1000;`;

/** The number of bpf() is x86-64's. */
export const canAttachXdp = process.arch === 'x64';

export async function attachXdp(host: Namespace, link: string, verdict: number): Promise<LongRunning> {
  const program = host.spawn('perl', ['-e', script, link, String(verdict)]);
  await waitFor(() => program.stdout.includes('attached'), { what: 'the XDP program', deadlineMs: 10_000 });
  return program;
}
