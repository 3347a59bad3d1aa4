/** What doctor can find of a fleet, as `findings.ts` has all else. */

export const fleetFindings = {
  noRouter: {
    level: 'bad',
    what: 'no routing daemon runs on this host',
    why: "other hosts of the fleet do not learn of this one's zones, nor this one of theirs",
    fix: 'apt install bird2, and /usr/share/doc/protect-network/examples/bird.conf as /etc/bird/bird.conf',
  },
  noAnswer: {
    level: 'warning',
    what: '{name} runs on this host, and birdc gets no answer',
    why: 'what is announced to other hosts of the fleet could not be checked',
  },
  sessionDown: {
    level: 'bad or warning',
    what: "BIRD's session {name} is down: {state}",
    why: 'what it would announce by that way is not known there',
    fix: 'birdc show protocols all {name}',
  },
  notLearned: {
    level: 'bad',
    what: 'BIRD does not know {n} of {n2} routes of zones, for instance {prefix}',
    why: 'other hosts do not reach those zones: the kernel protocol needs `learn` and an import filter that takes krt_source = 75',
    fix: 'compare /etc/bird/bird.conf with /usr/share/doc/protect-network/examples/bird.conf, then birdc configure',
  },
  notExported: {
    level: 'bad',
    what: "BIRD's session {name} does not announce {n} of {n2} routes of zones, for instance {prefix}",
    why: 'other hosts do not reach those zones by that way: the export filter of the session does not let them pass',
    fix: 'compare /etc/bird/bird.conf with /usr/share/doc/protect-network/examples/bird.conf, then birdc configure',
  },
  exportsMore: {
    level: 'warning',
    what: "BIRD's session {name} announces {n} routes that are none of zones, for instance {prefix}",
    why: 'other hosts send this one what is not for its zones: the export filter of the session lets too much pass',
    fix: 'compare /etc/bird/bird.conf with /usr/share/doc/protect-network/examples/bird.conf, then birdc configure',
  },
  strictUplink: {
    level: 'warning',
    what: 'rp_filter of {interface} is 1, and the fleet has several uplinks',
    why: 'what comes by it from a zone that is routed by another at the moment is dropped',
    fix: 'sysctl -w net/ipv4/conf/{interface}/rp_filter=2',
  },
  noUplink: {
    level: 'bad',
    what: 'fleet.uplinks names {name}, and this host has no such interface',
    why: 'zones of other hosts are only reached and believed by the links that are named; correct it in {file}',
  },
} as const;
