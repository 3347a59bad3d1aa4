/** What is wrong with the host as a whole and no change of ours can mend, one sentence each. */
import type { Config } from '../config/config.ts';
import type { Sysctl } from '../host/port.ts';

export function hostProblems(sysctl: Sysctl, config: Config, hasIpv6: boolean): string[] {
  const problems: string[] = [];
  const everywhere = sysctl.read({ family: 'ipv4', group: 'conf', link: 'all', key: 'rp_filter' });
  if (config.settings.isolation.antiSpoof && everywhere === '2') {
    problems.push(
      'net/ipv4/conf/all/rp_filter is 2 (loose), and the kernel uses the larger value: on zone links only the guard in ' +
        'inet edera holds back forged IPv4 sources; set it to 0 or 1 to have both',
    );
  }
  if (config.subnets.ipv6 !== undefined && !hasIpv6) {
    problems.push('IPv6 is switched off on this host: zones get their IPv4 addresses only');
  }
  return problems;
}

/** Gateways that the host could not be made to answer for. */
export function gatewayProblems(errors: readonly Error[]): string[] {
  return errors.map((error) => `the host may not answer for the zones' gateway (is lo up?): ${error.message}`);
}
