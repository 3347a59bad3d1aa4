/** The whole layout as text, to be read by a person: what a fresh host with one zone is given. */
import { describe, expect, it } from 'vitest';
import type { LayoutSettings } from '../../../src/nft/layout-model.ts';
import { planRuleset } from '../../../src/nft/plan.ts';
import { describeCommand } from '../../../src/nft/words.ts';
import { FakeHost } from '../../fake/kernel.ts';
import { address, all, converge, defaults, prefix, zone } from './support.ts';

const zones = [zone('vif7.0', '10.75.0.3', 'fdd4:1476:6c7e::3')];

describe('the layout', () => {
  it('with the defaults', () => {
    expect(lines(defaults).join('\n')).toMatchInlineSnapshot(`
      "add table ip6 edera-reverse-path
      delete table ip6 edera-reverse-path
      add table ip6 edera-reverse-path
      add chain ip6 edera-reverse-path guard-fragments { type filter hook prerouting priority -450; }
      add rule ip6 edera-reverse-path guard-fragments iifname "vif*" exthdr frag exists ip6 saddr != :: fib saddr . iif oif missing counter drop
      add chain ip6 edera-reverse-path guard { type filter hook prerouting priority -399; }
      add rule ip6 edera-reverse-path guard iifname "vif*" ip6 saddr != :: fib saddr . iif oif missing counter drop
      add table inet edera
      add set inet edera from4 { type ifname . ipv4_addr; counter; }
      add set inet edera to4 { type ifname . ipv4_addr; counter; }
      add set inet edera own4 { type ifname . ipv4_addr; }
      add set inet edera zone4 { type ipv4_addr; }
      add set inet edera from6 { type ifname . ipv6_addr; counter; }
      add set inet edera to6 { type ifname . ipv6_addr; counter; }
      add set inet edera own6 { type ifname . ipv6_addr; }
      add set inet edera zone6 { type ipv6_addr; }
      add set inet edera spoofed { type ifname; counter; }
      add set inet edera unassigned { type ifname; counter; }
      add set inet edera strays { type ifname; counter; }
      add set inet edera foreign-errors { type ifname; counter; }
      add set inet edera discovery-floods { type ifname; counter; }
      add set inet edera untranslated { type ifname; counter; }
      add set inet edera discovery-known { type ifname . ipv6_addr; size 4096; flags dynamic,timeout; timeout 60s; }
      add set inet edera discovery-rate { type ifname; size 65535; flags dynamic,timeout; timeout 60s; }
      add set inet edera told-rate { type ifname; size 65535; flags dynamic,timeout; timeout 60s; }
      add chain inet edera zone-errors
      add chain inet edera discovery
      add chain inet edera forged
      add chain inet edera not-assigned
      add chain inet edera from-zone
      add chain inet edera guard { type filter hook prerouting priority -399; policy accept; }
      add chain inet edera own-fragments
      add chain inet edera guard-fragments { type filter hook prerouting priority -450; policy accept; }
      add chain inet edera stray
      add chain inet edera zone-begins
      add chain inet edera forward-from-zone
      add chain inet edera forward-begin { type filter hook forward priority -1; policy accept; }
      add chain inet edera input-errors { type filter hook input priority -1; policy accept; }
      add chain inet edera output-count { type filter hook output priority 0; policy accept; }
      add chain inet edera host-errors
      add chain inet edera output-errors { type filter hook output priority -1; policy accept; }
      add chain inet edera uplink-nat { type nat hook postrouting priority 100; policy accept; }
      add chain inet edera uplink-leak
      add chain inet edera leaving { type filter hook postrouting priority 101; policy accept; }
      add chain inet edera user-input
      add chain inet edera forward-end { type filter hook forward priority 1; policy accept; }
      add chain inet edera made-ip-filter
      add chain inet edera made-ip-filter-forward
      add chain inet edera made-ip6-filter
      add chain inet edera made-ip6-filter-forward
      add rule inet edera zone-errors iifname . ct original ip saddr @own4 return
      add rule inet edera zone-errors iifname . ct reply ip saddr @own4 return
      add rule inet edera zone-errors iifname . ct original ip6 saddr @own6 return
      add rule inet edera zone-errors iifname . ct reply ip6 saddr @own6 return
      add rule inet edera zone-errors iifname @foreign-errors drop
      add rule inet edera zone-errors counter drop
      add rule inet edera discovery icmpv6 type nd-neighbor-advert accept
      add rule inet edera discovery ip6 saddr :: accept
      add rule inet edera discovery iifname . ip6 saddr @discovery-known accept
      add rule inet edera discovery update @discovery-rate { iifname limit rate 1/second burst 4 packets } limit rate 40/second burst 50 packets add @discovery-known { iifname . ip6 saddr } accept
      add rule inet edera discovery iifname @discovery-floods drop
      add rule inet edera discovery counter drop
      add rule inet edera forged limit rate 20/second burst 20 packets update @told-rate { iifname limit rate 1/second burst 2 packets } meta nftrace set 1
      add rule inet edera forged iifname @spoofed drop
      add rule inet edera forged counter drop
      add rule inet edera not-assigned limit rate 20/second burst 20 packets update @told-rate { iifname limit rate 1/second burst 2 packets } meta nftrace set 1
      add rule inet edera not-assigned iifname @unassigned drop
      add rule inet edera not-assigned counter drop
      add rule inet edera from-zone ip daddr 127.0.0.0/8 counter drop
      add rule inet edera from-zone icmpv6 type nd-neighbor-solicit ip6 hoplimit 255 ip6 daddr @zone6 ip6 daddr set ff02::1
      add rule inet edera from-zone iifname . ip saddr @from4 accept
      add rule inet edera from-zone iifname . ip6 saddr @from6 accept
      add rule inet edera from-zone ip6 saddr fe80::/10 ip6 hoplimit 255 icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } jump discovery
      add rule inet edera from-zone ip6 saddr :: ip6 hoplimit 255 icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } jump discovery
      add rule inet edera from-zone ip6 hoplimit 255 icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } ip6 saddr != @zone6 jump not-assigned
      add rule inet edera from-zone ip6 saddr fe80::/10 ip6 daddr ff02::/16 drop
      add rule inet edera from-zone ip6 saddr :: ip6 daddr ff02::/16 drop
      add rule inet edera from-zone jump forged
      add rule inet edera guard iifname "vif*" jump from-zone
      add rule inet edera guard iifname "lo" accept
      add rule inet edera guard ip saddr @zone4 jump forged
      add rule inet edera guard ip6 saddr @zone6 jump forged
      add rule inet edera own-fragments iifname . ip saddr @own4 accept
      add rule inet edera own-fragments iifname . ip6 saddr @own6 accept
      add rule inet edera own-fragments iifname "lo" accept
      add rule inet edera own-fragments ip saddr @zone4 jump forged
      add rule inet edera own-fragments ip6 saddr @zone6 jump forged
      add rule inet edera own-fragments iifname "vif*" jump forged
      add rule inet edera guard-fragments ip frag-off & 0x3fff != 0x0 jump own-fragments
      add rule inet edera guard-fragments exthdr frag exists jump own-fragments
      add rule inet edera stray iifname @strays drop
      add rule inet edera stray counter drop
      add rule inet edera zone-begins icmp type { destination-unreachable, source-quench, redirect, time-exceeded, parameter-problem } jump zone-errors
      add rule inet edera zone-begins icmpv6 type < echo-request jump zone-errors
      add rule inet edera zone-begins icmpv6 type nd-redirect jump zone-errors
      add rule inet edera forward-from-zone ip daddr 10.75.0.0/16 oifname != "vif*" jump stray
      add rule inet edera forward-from-zone ip6 daddr fdd4:1476:6c7e::/48 oifname != "vif*" jump stray
      add rule inet edera forward-from-zone ct state invalid,related,new,untracked jump zone-begins
      add rule inet edera forward-from-zone meta mark set meta mark | 0x10000000
      add rule inet edera forward-begin iifname != "vif*" oifname != "vif*" accept
      add rule inet edera forward-begin iifname "vif*" jump forward-from-zone
      add rule inet edera forward-begin iifname != "vif*" meta mark & 0x10000000 == 0x10000000 meta mark set meta mark & 0xefffffff
      add rule inet edera forward-begin oifname . ip daddr @to4 meta mark set meta mark | 0x10000000
      add rule inet edera forward-begin oifname . ip6 daddr @to6 meta mark set meta mark | 0x10000000
      add rule inet edera input-errors iifname != "vif*" accept
      add rule inet edera input-errors udp dport { 4789, 6081, 8472 } counter drop
      add rule inet edera input-errors icmp type { destination-unreachable, source-quench, redirect, time-exceeded, parameter-problem } jump zone-errors
      add rule inet edera input-errors icmpv6 type < echo-request jump zone-errors
      add rule inet edera input-errors icmpv6 type nd-redirect jump zone-errors
      add rule inet edera output-count oifname != "vif*" accept
      add rule inet edera output-count oifname . ip daddr @to4 accept
      add rule inet edera output-count oifname . ip6 daddr @to6 accept
      add rule inet edera host-errors oifname "lo" accept
      add rule inet edera host-errors ip daddr @zone4 oifname . ip daddr != @own4 counter drop
      add rule inet edera host-errors ct direction reply ct original ip saddr @zone4 oifname . ct original ip saddr != @own4 counter drop
      add rule inet edera host-errors ct direction original ct reply ip saddr @zone4 oifname . ct reply ip saddr != @own4 counter drop
      add rule inet edera host-errors ip6 daddr @zone6 oifname . ip6 daddr != @own6 counter drop
      add rule inet edera host-errors ct direction reply ct original ip6 saddr @zone6 oifname . ct original ip6 saddr != @own6 counter drop
      add rule inet edera host-errors ct direction original ct reply ip6 saddr @zone6 oifname . ct reply ip6 saddr != @own6 counter drop
      add rule inet edera output-errors icmpv6 type parameter-problem @th,112,8 0 counter drop
      add rule inet edera output-errors icmp type { destination-unreachable, source-quench, redirect, time-exceeded, parameter-problem } jump host-errors
      add rule inet edera output-errors icmpv6 type < echo-request jump host-errors
      add rule inet edera output-errors icmpv6 type nd-redirect jump host-errors
      add rule inet edera uplink-nat ip saddr 10.75.0.0/16 ip daddr != 10.75.0.0/16 oifname != "vif*" oifname != "lo" counter masquerade
      add rule inet edera uplink-nat ip6 saddr fdd4:1476:6c7e::/48 ip6 daddr != fdd4:1476:6c7e::/48 oifname != "vif*" oifname != "lo" counter masquerade
      add rule inet edera uplink-leak ct direction reply accept
      add rule inet edera uplink-leak iifname @untranslated drop
      add rule inet edera uplink-leak counter drop
      add rule inet edera leaving ip saddr 10.75.0.0/16 ip daddr != 10.75.0.0/16 oifname != "vif*" oifname != "lo" jump uplink-leak
      add rule inet edera leaving ip6 saddr fdd4:1476:6c7e::/48 ip6 daddr != fdd4:1476:6c7e::/48 oifname != "vif*" oifname != "lo" jump uplink-leak
      add rule inet edera forward-end meta mark & 0x10000000 == 0x10000000 meta mark set meta mark & 0xefffffff
      add element inet edera spoofed { vif7.0 }
      add element inet edera unassigned { vif7.0 }
      add element inet edera strays { vif7.0 }
      add element inet edera foreign-errors { vif7.0 }
      add element inet edera discovery-floods { vif7.0 }
      add element inet edera untranslated { vif7.0 }
      add element inet edera from4 { vif7.0 . 10.75.0.3 }
      add element inet edera to4 { vif7.0 . 10.75.0.3 }
      add element inet edera own4 { vif7.0 . 10.75.0.3 }
      add element inet edera zone4 { 10.75.0.3 }
      add element inet edera from6 { vif7.0 . fdd4:1476:6c7e::3 }
      add element inet edera to6 { vif7.0 . fdd4:1476:6c7e::3 }
      add element inet edera own6 { vif7.0 . fdd4:1476:6c7e::3 }
      add element inet edera zone6 { fdd4:1476:6c7e::3 }
      add table ip filter
      add chain ip filter FORWARD { type filter hook forward priority 0; }
      add chain ip filter EDERA-USER
      add chain ip filter EDERA-FORWARD
      add rule ip filter EDERA-FORWARD iifname != "vif*" oifname != "vif*" return
      add rule ip filter EDERA-FORWARD jump EDERA-USER
      add rule ip filter EDERA-FORWARD meta mark & 0x10000000 == 0x10000000 counter accept
      add rule ip filter EDERA-FORWARD oifname "vif7.0" counter accept
      add rule ip filter EDERA-FORWARD iifname "vif7.0" counter accept
      add rule ip filter FORWARD counter jump EDERA-FORWARD
      add table ip6 filter
      add chain ip6 filter FORWARD { type filter hook forward priority 0; }
      add chain ip6 filter EDERA-USER
      add chain ip6 filter EDERA-FORWARD
      add rule ip6 filter EDERA-FORWARD iifname != "vif*" oifname != "vif*" return
      add rule ip6 filter EDERA-FORWARD jump EDERA-USER
      add rule ip6 filter EDERA-FORWARD meta mark & 0x10000000 == 0x10000000 counter accept
      add rule ip6 filter EDERA-FORWARD oifname "vif7.0" counter accept
      add rule ip6 filter EDERA-FORWARD iifname "vif7.0" counter accept
      add rule ip6 filter FORWARD counter jump EDERA-FORWARD"
    `);
  });

  it('with IPv4 only', () => {
    expect(lines({ ...defaults, subnets: { ...defaults.subnets, ipv6: undefined } }).join('\n')).toMatchInlineSnapshot(`
      "add table inet edera
      add set inet edera from4 { type ifname . ipv4_addr; counter; }
      add set inet edera to4 { type ifname . ipv4_addr; counter; }
      add set inet edera own4 { type ifname . ipv4_addr; }
      add set inet edera zone4 { type ipv4_addr; }
      add set inet edera spoofed { type ifname; counter; }
      add set inet edera unassigned { type ifname; counter; }
      add set inet edera strays { type ifname; counter; }
      add set inet edera foreign-errors { type ifname; counter; }
      add set inet edera discovery-floods { type ifname; counter; }
      add set inet edera untranslated { type ifname; counter; }
      add set inet edera told-rate { type ifname; size 65535; flags dynamic,timeout; timeout 60s; }
      add chain inet edera zone-errors
      add chain inet edera forged
      add chain inet edera from-zone
      add chain inet edera guard { type filter hook prerouting priority -399; policy accept; }
      add chain inet edera own-fragments
      add chain inet edera guard-fragments { type filter hook prerouting priority -450; policy accept; }
      add chain inet edera stray
      add chain inet edera zone-begins
      add chain inet edera forward-from-zone
      add chain inet edera forward-begin { type filter hook forward priority -1; policy accept; }
      add chain inet edera input-errors { type filter hook input priority -1; policy accept; }
      add chain inet edera output-count { type filter hook output priority 0; policy accept; }
      add chain inet edera host-errors
      add chain inet edera output-errors { type filter hook output priority -1; policy accept; }
      add chain inet edera uplink-nat { type nat hook postrouting priority 100; policy accept; }
      add chain inet edera uplink-leak
      add chain inet edera leaving { type filter hook postrouting priority 101; policy accept; }
      add chain inet edera user-input
      add chain inet edera forward-end { type filter hook forward priority 1; policy accept; }
      add chain inet edera made-ip-filter
      add chain inet edera made-ip-filter-forward
      add rule inet edera zone-errors iifname . ct original ip saddr @own4 return
      add rule inet edera zone-errors iifname . ct reply ip saddr @own4 return
      add rule inet edera zone-errors iifname @foreign-errors drop
      add rule inet edera zone-errors counter drop
      add rule inet edera forged limit rate 20/second burst 20 packets update @told-rate { iifname limit rate 1/second burst 2 packets } meta nftrace set 1
      add rule inet edera forged iifname @spoofed drop
      add rule inet edera forged counter drop
      add rule inet edera from-zone ip daddr 127.0.0.0/8 counter drop
      add rule inet edera from-zone iifname . ip saddr @from4 accept
      add rule inet edera from-zone meta nfproto ipv6 drop
      add rule inet edera from-zone jump forged
      add rule inet edera guard iifname "vif*" jump from-zone
      add rule inet edera guard iifname "lo" accept
      add rule inet edera guard ip saddr @zone4 jump forged
      add rule inet edera own-fragments iifname . ip saddr @own4 accept
      add rule inet edera own-fragments iifname "lo" accept
      add rule inet edera own-fragments ip saddr @zone4 jump forged
      add rule inet edera own-fragments iifname "vif*" jump forged
      add rule inet edera guard-fragments ip frag-off & 0x3fff != 0x0 jump own-fragments
      add rule inet edera stray iifname @strays drop
      add rule inet edera stray counter drop
      add rule inet edera zone-begins icmp type { destination-unreachable, source-quench, redirect, time-exceeded, parameter-problem } jump zone-errors
      add rule inet edera forward-from-zone ip daddr 10.75.0.0/16 oifname != "vif*" jump stray
      add rule inet edera forward-from-zone ct state invalid,related,new,untracked jump zone-begins
      add rule inet edera forward-from-zone meta mark set meta mark | 0x10000000
      add rule inet edera forward-begin iifname != "vif*" oifname != "vif*" accept
      add rule inet edera forward-begin iifname "vif*" jump forward-from-zone
      add rule inet edera forward-begin iifname != "vif*" meta mark & 0x10000000 == 0x10000000 meta mark set meta mark & 0xefffffff
      add rule inet edera forward-begin oifname . ip daddr @to4 meta mark set meta mark | 0x10000000
      add rule inet edera input-errors iifname != "vif*" accept
      add rule inet edera input-errors udp dport { 4789, 6081, 8472 } counter drop
      add rule inet edera input-errors icmp type { destination-unreachable, source-quench, redirect, time-exceeded, parameter-problem } jump zone-errors
      add rule inet edera output-count oifname != "vif*" accept
      add rule inet edera output-count oifname . ip daddr @to4 accept
      add rule inet edera host-errors oifname "lo" accept
      add rule inet edera host-errors ip daddr @zone4 oifname . ip daddr != @own4 counter drop
      add rule inet edera host-errors ct direction reply ct original ip saddr @zone4 oifname . ct original ip saddr != @own4 counter drop
      add rule inet edera host-errors ct direction original ct reply ip saddr @zone4 oifname . ct reply ip saddr != @own4 counter drop
      add rule inet edera output-errors icmp type { destination-unreachable, source-quench, redirect, time-exceeded, parameter-problem } jump host-errors
      add rule inet edera uplink-nat ip saddr 10.75.0.0/16 ip daddr != 10.75.0.0/16 oifname != "vif*" oifname != "lo" counter masquerade
      add rule inet edera uplink-leak ct direction reply accept
      add rule inet edera uplink-leak iifname @untranslated drop
      add rule inet edera uplink-leak counter drop
      add rule inet edera leaving ip saddr 10.75.0.0/16 ip daddr != 10.75.0.0/16 oifname != "vif*" oifname != "lo" jump uplink-leak
      add rule inet edera forward-end meta mark & 0x10000000 == 0x10000000 meta mark set meta mark & 0xefffffff
      add element inet edera spoofed { vif7.0 }
      add element inet edera unassigned { vif7.0 }
      add element inet edera strays { vif7.0 }
      add element inet edera foreign-errors { vif7.0 }
      add element inet edera discovery-floods { vif7.0 }
      add element inet edera untranslated { vif7.0 }
      add element inet edera from4 { vif7.0 . 10.75.0.3 }
      add element inet edera to4 { vif7.0 . 10.75.0.3 }
      add element inet edera own4 { vif7.0 . 10.75.0.3 }
      add element inet edera zone4 { 10.75.0.3 }
      add table ip filter
      add chain ip filter FORWARD { type filter hook forward priority 0; }
      add chain ip filter EDERA-USER
      add chain ip filter EDERA-FORWARD
      add rule ip filter EDERA-FORWARD iifname != "vif*" oifname != "vif*" return
      add rule ip filter EDERA-FORWARD jump EDERA-USER
      add rule ip filter EDERA-FORWARD meta mark & 0x10000000 == 0x10000000 counter accept
      add rule ip filter EDERA-FORWARD oifname "vif7.0" counter accept
      add rule ip filter EDERA-FORWARD iifname "vif7.0" counter accept
      add rule ip filter FORWARD counter jump EDERA-FORWARD"
    `);
  });
});

describe('what a setting changes', () => {
  it('mark = 0', () => {
    expect(difference({ mark: 0 })).toMatchInlineSnapshot(`
      "- add chain inet edera forward-end { type filter hook forward priority 1; policy accept; }
      - add rule inet edera forward-from-zone meta mark set meta mark | 0x10000000
      - add rule inet edera forward-begin iifname != "vif*" meta mark & 0x10000000 == 0x10000000 meta mark set meta mark & 0xefffffff
      - add rule inet edera forward-begin oifname . ip daddr @to4 meta mark set meta mark | 0x10000000
      - add rule inet edera forward-begin oifname . ip6 daddr @to6 meta mark set meta mark | 0x10000000
      - add rule inet edera forward-end meta mark & 0x10000000 == 0x10000000 meta mark set meta mark & 0xefffffff
      - add rule ip filter EDERA-FORWARD meta mark & 0x10000000 == 0x10000000 counter accept
      - add rule ip6 filter EDERA-FORWARD meta mark & 0x10000000 == 0x10000000 counter accept
      + add rule inet edera forward-begin oifname . ip daddr @to4 accept
      + add rule inet edera forward-begin oifname . ip6 daddr @to6 accept"
    `);
  });

  it('anti-spoof = false', () => {
    expect(difference({ antiSpoof: false })).toMatchInlineSnapshot(`
      "- add table ip6 edera-reverse-path
      - delete table ip6 edera-reverse-path
      - add table ip6 edera-reverse-path
      - add chain ip6 edera-reverse-path guard-fragments { type filter hook prerouting priority -450; }
      - add rule ip6 edera-reverse-path guard-fragments iifname "vif*" exthdr frag exists ip6 saddr != :: fib saddr . iif oif missing counter drop
      - add chain ip6 edera-reverse-path guard { type filter hook prerouting priority -399; }
      - add rule ip6 edera-reverse-path guard iifname "vif*" ip6 saddr != :: fib saddr . iif oif missing counter drop
      - add chain inet edera own-fragments
      - add chain inet edera guard-fragments { type filter hook prerouting priority -450; policy accept; }
      - add rule inet edera from-zone ip6 hoplimit 255 icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } ip6 saddr != @zone6 jump not-assigned
      - add rule inet edera from-zone ip6 saddr fe80::/10 ip6 daddr ff02::/16 drop
      - add rule inet edera from-zone ip6 saddr :: ip6 daddr ff02::/16 drop
      - add rule inet edera guard iifname "lo" accept
      - add rule inet edera guard ip saddr @zone4 jump forged
      - add rule inet edera guard ip6 saddr @zone6 jump forged
      - add rule inet edera own-fragments iifname . ip saddr @own4 accept
      - add rule inet edera own-fragments iifname . ip6 saddr @own6 accept
      - add rule inet edera own-fragments iifname "lo" accept
      - add rule inet edera own-fragments ip saddr @zone4 jump forged
      - add rule inet edera own-fragments ip6 saddr @zone6 jump forged
      - add rule inet edera own-fragments iifname "vif*" jump forged
      - add rule inet edera guard-fragments ip frag-off & 0x3fff != 0x0 jump own-fragments
      - add rule inet edera guard-fragments exthdr frag exists jump own-fragments
      - add rule inet edera input-errors udp dport { 4789, 6081, 8472 } counter drop
      + add rule inet edera from-zone iifname @spoofed accept"
    `);
  });

  it('zone-to-zone = deny', () => {
    expect(difference({ denyZoneToZone: true })).toMatchInlineSnapshot(`
      "+ add rule ip filter EDERA-FORWARD iifname "vif*" oifname "vif*" counter drop
      + add chain ip filter EDERA-DENY
      + add rule ip filter EDERA-DENY iifname != "vif*" oifname != "vif*" return
      + add rule ip filter EDERA-DENY jump EDERA-USER
      + add rule ip filter EDERA-DENY iifname "vif*" oifname "vif*" counter drop
      + insert rule ip filter FORWARD counter jump EDERA-DENY
      + add rule ip6 filter EDERA-FORWARD iifname "vif*" oifname "vif*" counter drop
      + add chain ip6 filter EDERA-DENY
      + add rule ip6 filter EDERA-DENY iifname != "vif*" oifname != "vif*" return
      + add rule ip6 filter EDERA-DENY jump EDERA-USER
      + add rule ip6 filter EDERA-DENY iifname "vif*" oifname "vif*" counter drop
      + insert rule ip6 filter FORWARD counter jump EDERA-DENY"
    `);
  });

  it('metadata = deny', () => {
    const deniedMetadata = [prefix('169.254.169.254/32'), prefix('fd00:ec2::254/128'), prefix('100.64.0.0/10')];
    expect(difference({ deniedMetadata })).toMatchInlineSnapshot(`
      "+ add chain inet edera host-denied
      + add chain inet edera input-guard { type filter hook input priority 0; policy accept; }
      + add rule inet edera host-denied jump user-input
      + add rule inet edera host-denied counter drop
      + add rule inet edera input-guard iifname != "vif*" accept
      + add rule inet edera input-guard icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept
      + add rule inet edera input-guard ip daddr 169.254.169.254 jump host-denied
      + add rule inet edera input-guard ct original ip daddr 169.254.169.254 jump host-denied
      + add rule inet edera input-guard ip daddr 100.64.0.0/10 jump host-denied
      + add rule inet edera input-guard ct original ip daddr 100.64.0.0/10 jump host-denied
      + add rule inet edera input-guard ip6 daddr fd00:ec2::254 jump host-denied
      + add rule inet edera input-guard ct original ip6 daddr fd00:ec2::254 jump host-denied
      + add rule ip filter EDERA-FORWARD iifname "vif*" ip daddr 169.254.169.254 counter drop
      + add rule ip filter EDERA-FORWARD iifname "vif*" ip daddr 100.64.0.0/10 counter drop
      + add chain ip filter EDERA-DENY
      + add rule ip filter EDERA-DENY iifname != "vif*" oifname != "vif*" return
      + add rule ip filter EDERA-DENY jump EDERA-USER
      + add rule ip filter EDERA-DENY iifname "vif*" ip daddr 169.254.169.254 counter drop
      + add rule ip filter EDERA-DENY iifname "vif*" ip daddr 100.64.0.0/10 counter drop
      + insert rule ip filter FORWARD counter jump EDERA-DENY
      + add rule ip6 filter EDERA-FORWARD iifname "vif*" ip6 daddr fd00:ec2::254 counter drop
      + add chain ip6 filter EDERA-DENY
      + add rule ip6 filter EDERA-DENY iifname != "vif*" oifname != "vif*" return
      + add rule ip6 filter EDERA-DENY jump EDERA-USER
      + add rule ip6 filter EDERA-DENY iifname "vif*" ip6 daddr fd00:ec2::254 counter drop
      + insert rule ip6 filter FORWARD counter jump EDERA-DENY"
    `);
  });

  it('host = deny', () => {
    expect(difference({ denyHost: true })).toMatchInlineSnapshot(`
      "+ add chain inet edera host-denied
      + add chain inet edera input-guard { type filter hook input priority 0; policy accept; }
      + add chain inet edera output-guard { type filter hook output priority 0; policy accept; }
      + add rule inet edera host-denied jump user-input
      + add rule inet edera host-denied counter drop
      + add rule inet edera input-guard iifname != "vif*" accept
      + add rule inet edera input-guard icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept
      + add rule inet edera input-guard udp dport < 1024 jump host-denied
      + add rule inet edera input-guard ct direction reply ct state established,related accept
      + add rule inet edera input-guard jump host-denied
      + add rule inet edera output-guard oifname "vif*" ct state new tcp flags ack counter drop"
    `);
  });

  it('without masquerade, under an address of the settings, and with exemptions', () => {
    expect(difference({ masquerade: { ipv4: 'kernel', ipv6: 'off' } })).toMatchInlineSnapshot(`
      "- add rule inet edera uplink-nat ip6 saddr fdd4:1476:6c7e::/48 ip6 daddr != fdd4:1476:6c7e::/48 oifname != "vif*" oifname != "lo" counter masquerade
      - add rule inet edera leaving ip6 saddr fdd4:1476:6c7e::/48 ip6 daddr != fdd4:1476:6c7e::/48 oifname != "vif*" oifname != "lo" jump uplink-leak"
    `);
    expect(
      difference({ masquerade: { ipv4: address('192.0.2.7'), ipv6: address('2001:db8::7') } }),
    ).toMatchInlineSnapshot(`
      "- add rule inet edera uplink-nat ip saddr 10.75.0.0/16 ip daddr != 10.75.0.0/16 oifname != "vif*" oifname != "lo" counter masquerade
      - add rule inet edera uplink-nat ip6 saddr fdd4:1476:6c7e::/48 ip6 daddr != fdd4:1476:6c7e::/48 oifname != "vif*" oifname != "lo" counter masquerade
      + add rule inet edera uplink-nat ip saddr 10.75.0.0/16 ip daddr != 10.75.0.0/16 oifname != "vif*" oifname != "lo" counter snat ip to 192.0.2.7
      + add rule inet edera uplink-nat ip6 saddr fdd4:1476:6c7e::/48 ip6 daddr != fdd4:1476:6c7e::/48 oifname != "vif*" oifname != "lo" counter snat ip6 to 2001:db8::7"
    `);
    expect(difference({ notMasqueraded: [prefix('10.200.0.0/16'), prefix('2001:db8::/32')] })).toMatchInlineSnapshot(`
      "+ add rule inet edera uplink-nat ip saddr 10.75.0.0/16 ip daddr 10.200.0.0/16 accept
      + add rule inet edera uplink-nat ip6 saddr fdd4:1476:6c7e::/48 ip6 daddr 2001:db8::/32 accept
      + add rule inet edera uplink-leak ip daddr 10.200.0.0/16 accept
      + add rule inet edera uplink-leak ip6 daddr 2001:db8::/32 accept"
    `);
    const many = ['10.200.0.0/16', '198.51.100.7/32', '2001:db8::/32'].map(prefix);
    expect(difference({ notMasqueraded: many })).toMatchInlineSnapshot(`
      "+ add rule inet edera uplink-nat ip saddr 10.75.0.0/16 ip daddr { 10.200.0.0/16, 198.51.100.7 } accept
      + add rule inet edera uplink-nat ip6 saddr fdd4:1476:6c7e::/48 ip6 daddr 2001:db8::/32 accept
      + add rule inet edera uplink-leak ip daddr { 10.200.0.0/16, 198.51.100.7 } accept
      + add rule inet edera uplink-leak ip6 daddr 2001:db8::/32 accept"
    `);
    expect(difference({ masquerade: { ipv4: 'off', ipv6: 'off' } })).toMatchInlineSnapshot(`
      "- add chain inet edera uplink-leak
      - add chain inet edera leaving { type filter hook postrouting priority 101; policy accept; }
      - add rule inet edera uplink-nat ip saddr 10.75.0.0/16 ip daddr != 10.75.0.0/16 oifname != "vif*" oifname != "lo" counter masquerade
      - add rule inet edera uplink-nat ip6 saddr fdd4:1476:6c7e::/48 ip6 daddr != fdd4:1476:6c7e::/48 oifname != "vif*" oifname != "lo" counter masquerade
      - add rule inet edera uplink-leak ct direction reply accept
      - add rule inet edera uplink-leak iifname @untranslated drop
      - add rule inet edera uplink-leak counter drop
      - add rule inet edera leaving ip saddr 10.75.0.0/16 ip daddr != 10.75.0.0/16 oifname != "vif*" oifname != "lo" jump uplink-leak
      - add rule inet edera leaving ip6 saddr fdd4:1476:6c7e::/48 ip6 daddr != fdd4:1476:6c7e::/48 oifname != "vif*" oifname != "lo" jump uplink-leak"
    `);
  });

  it('one uplink, and two', () => {
    expect(difference({ uplinkInterfaces: ['eth0'] })).toMatchInlineSnapshot(`
      "- add rule inet edera uplink-nat ip saddr 10.75.0.0/16 ip daddr != 10.75.0.0/16 oifname != "vif*" oifname != "lo" counter masquerade
      - add rule inet edera uplink-nat ip6 saddr fdd4:1476:6c7e::/48 ip6 daddr != fdd4:1476:6c7e::/48 oifname != "vif*" oifname != "lo" counter masquerade
      - add rule inet edera leaving ip saddr 10.75.0.0/16 ip daddr != 10.75.0.0/16 oifname != "vif*" oifname != "lo" jump uplink-leak
      - add rule inet edera leaving ip6 saddr fdd4:1476:6c7e::/48 ip6 daddr != fdd4:1476:6c7e::/48 oifname != "vif*" oifname != "lo" jump uplink-leak
      + add rule inet edera uplink-nat ip saddr 10.75.0.0/16 ip daddr != 10.75.0.0/16 oifname "eth0" counter masquerade
      + add rule inet edera uplink-nat ip6 saddr fdd4:1476:6c7e::/48 ip6 daddr != fdd4:1476:6c7e::/48 oifname "eth0" counter masquerade
      + add rule inet edera leaving ip saddr 10.75.0.0/16 ip daddr != 10.75.0.0/16 oifname "eth0" jump uplink-leak
      + add rule inet edera leaving ip6 saddr fdd4:1476:6c7e::/48 ip6 daddr != fdd4:1476:6c7e::/48 oifname "eth0" jump uplink-leak"
    `);
    expect(difference({ uplinkInterfaces: ['wan1', 'eth0'] })).toMatchInlineSnapshot(`
      "- add rule inet edera uplink-nat ip saddr 10.75.0.0/16 ip daddr != 10.75.0.0/16 oifname != "vif*" oifname != "lo" counter masquerade
      - add rule inet edera uplink-nat ip6 saddr fdd4:1476:6c7e::/48 ip6 daddr != fdd4:1476:6c7e::/48 oifname != "vif*" oifname != "lo" counter masquerade
      - add rule inet edera leaving ip saddr 10.75.0.0/16 ip daddr != 10.75.0.0/16 oifname != "vif*" oifname != "lo" jump uplink-leak
      - add rule inet edera leaving ip6 saddr fdd4:1476:6c7e::/48 ip6 daddr != fdd4:1476:6c7e::/48 oifname != "vif*" oifname != "lo" jump uplink-leak
      + add rule inet edera uplink-nat ip saddr 10.75.0.0/16 ip daddr != 10.75.0.0/16 oifname { "eth0", "wan1" } counter masquerade
      + add rule inet edera uplink-nat ip6 saddr fdd4:1476:6c7e::/48 ip6 daddr != fdd4:1476:6c7e::/48 oifname { "eth0", "wan1" } counter masquerade
      + add rule inet edera leaving ip saddr 10.75.0.0/16 ip daddr != 10.75.0.0/16 oifname { "eth0", "wan1" } jump uplink-leak
      + add rule inet edera leaving ip6 saddr fdd4:1476:6c7e::/48 ip6 daddr != fdd4:1476:6c7e::/48 oifname { "eth0", "wan1" } jump uplink-leak"
    `);
  });

  it('a fleet: its zones by its uplinks alone, no masquerade towards them, and the gateway is nobody else’s', () => {
    const fleet = { prefixes: [prefix('10.75.0.0/16'), prefix('fdd4:1476:6c7e::/48')], uplinks: ['eth0', 'eth1'] };
    expect(difference({ fleet })).toMatchInlineSnapshot(`
      "- add rule inet edera guard ip saddr @zone4 jump forged
      - add rule inet edera guard ip6 saddr @zone6 jump forged
      - add rule inet edera own-fragments ip saddr @zone4 jump forged
      - add rule inet edera own-fragments ip6 saddr @zone6 jump forged
      - add rule inet edera forward-from-zone ip daddr 10.75.0.0/16 oifname != "vif*" jump stray
      - add rule inet edera forward-from-zone ip6 daddr fdd4:1476:6c7e::/48 oifname != "vif*" jump stray
      + add chain inet edera from-fleet
      + add rule inet edera from-fleet ip saddr @zone4 jump forged
      + add rule inet edera from-fleet ip6 saddr @zone6 jump forged
      + add rule inet edera from-fleet iifname != { "eth0", "eth1" } jump forged
      + add rule inet edera from-fleet ip saddr 10.75.0.1 jump forged
      + add rule inet edera from-fleet ip6 saddr fdd4:1476:6c7e::1 jump forged
      + add rule inet edera guard ip saddr 10.75.0.0/16 jump from-fleet
      + add rule inet edera guard ip6 saddr fdd4:1476:6c7e::/48 jump from-fleet
      + add rule inet edera own-fragments ip saddr 10.75.0.0/16 jump from-fleet
      + add rule inet edera own-fragments ip6 saddr fdd4:1476:6c7e::/48 jump from-fleet
      + add rule inet edera forward-from-zone ip daddr 10.75.0.0/16 oifname != "vif*" oifname != { "eth0", "eth1" } jump stray
      + add rule inet edera forward-from-zone ip6 daddr fdd4:1476:6c7e::/48 oifname != "vif*" oifname != { "eth0", "eth1" } jump stray"
    `);
    expect(difference({ fleet: { ...fleet, prefixes: [prefix('10.80.0.0/16')] } })).toMatchInlineSnapshot(`
      "- add rule inet edera forward-from-zone ip daddr 10.75.0.0/16 oifname != "vif*" jump stray
      + add chain inet edera from-fleet
      + add rule inet edera from-fleet iifname != { "eth0", "eth1" } jump forged
      + add rule inet edera from-fleet ip saddr 10.75.0.1 jump forged
      + add rule inet edera from-fleet ip6 saddr fdd4:1476:6c7e::1 jump forged
      + add rule inet edera guard ip saddr { 10.75.0.1, 10.80.0.0/16 } jump from-fleet
      + add rule inet edera own-fragments ip saddr { 10.75.0.1, 10.80.0.0/16 } jump from-fleet
      + add rule inet edera forward-from-zone ip daddr { 10.75.0.0/16, 10.80.0.0/16 } oifname != "vif*" oifname != { "eth0", "eth1" } jump stray"
    `);
    const apart = { ...defaults, denyZoneToZone: true };
    expect(difference({ fleet: { ...fleet, prefixes: [prefix('10.80.0.0/16')] } }, apart)).toMatchInlineSnapshot(`
      "- add rule inet edera forward-from-zone ip daddr 10.75.0.0/16 oifname != "vif*" jump stray
      + add chain inet edera from-fleet
      + add rule inet edera from-fleet iifname != { "eth0", "eth1" } jump forged
      + add rule inet edera from-fleet ip saddr 10.75.0.1 jump forged
      + add rule inet edera from-fleet ip6 saddr fdd4:1476:6c7e::1 jump forged
      + add rule inet edera guard ip saddr { 10.75.0.1, 10.80.0.0/16 } jump from-fleet
      + add rule inet edera own-fragments ip saddr { 10.75.0.1, 10.80.0.0/16 } jump from-fleet
      + add rule inet edera forward-from-zone ip daddr { 10.75.0.0/16, 10.80.0.0/16 } oifname != "vif*" oifname != { "eth0", "eth1" } jump stray
      + add rule ip filter EDERA-FORWARD iifname "vif*" ip daddr 10.80.0.0/16 counter drop
      + add rule ip filter EDERA-FORWARD oifname "vif*" ip saddr 10.80.0.0/16 counter drop
      + add rule ip filter EDERA-DENY iifname "vif*" ip daddr 10.80.0.0/16 counter drop
      + add rule ip filter EDERA-DENY oifname "vif*" ip saddr 10.80.0.0/16 counter drop"
    `);
  });

  it('placement = first: nothing where there is nobody else', () => {
    expect(difference({ placement: 'first' })).toBe('');
  });
});

describe('what iptables reads back', () => {
  /** What iptables understands in its tables of nf_tables: anything but these makes `iptables -S` fail or print another rule. */
  const readable = new Set(['match', 'counter', 'accept', 'drop', 'return', 'jump']);

  it('holds in the filter tables only what it understands', async () => {
    const host = new FakeHost();
    const deniedMetadata = [prefix('169.254.169.254/32'), prefix('fd00:ec2::/64')];
    await converge(host, { ...defaults, denyZoneToZone: true, denyHost: true, deniedMetadata }, all(zones));
    for (const family of ['ip', 'ip6'] as const) {
      const objects = (await host.nft.table(family, 'filter')) ?? [];
      expect(objects.some((object) => 'set' in object)).toBe(false);
      const rules = objects.flatMap((object) => ('rule' in object ? [object['rule'] as { expr: object[] }] : []));
      expect(rules.length).toBeGreaterThan(5);
      for (const part of rules.flatMap(({ expr }) => expr)) {
        expect(readable).toContain(Object.keys(part)[0]);
        expect(JSON.stringify(part)).not.toMatch(/"@|"set"|"ct"|"fib"|nfproto/);
      }
    }
  });
});

function lines(settings: LayoutSettings): string[] {
  return planRuleset(settings, new Map(), all(zones)).map(describeCommand);
}

/** Lines with `+` that the setting adds to the defaults, and with `-` that it takes away. */
function difference(settings: Partial<LayoutSettings>, from = defaults): string {
  const before = lines(from);
  const after = lines({ ...from, ...settings });
  const gone = before.filter((line) => !after.includes(line)).map((line) => `- ${line}`);
  return [...gone, ...after.filter((line) => !before.includes(line)).map((line) => `+ ${line}`)].join('\n');
}
