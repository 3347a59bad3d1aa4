/** Numbers of include/uapi/linux/netlink.h and of the families that have no file of their own. */

/** NLM_F_*. */
export const messageFlag = {
  request: 0x1,
  acknowledge: 0x4,
  echo: 0x8,
  dumpInterrupted: 0x10,
  dump: 0x300,
  replace: 0x100,
  exclusive: 0x200,
  create: 0x400,
  append: 0x800,
} as const;

/** NLMSG_*. */
export const messageType = { noop: 1, error: 2, done: 3, overrun: 4 } as const;

/** NETLINK_* protocols. */
export const protocol = { route: 0, netfilter: 12 } as const;

/** AF_NETLINK. */
export const netlinkDomain = 16;

/** RTNLGRP_*, include/uapi/linux/rtnetlink.h. */
export const routeGroup = {
  link: 1,
  qdisc: 4,
  ipv4Address: 5,
  ipv4Route: 7,
  ipv6Address: 9,
  ipv6Route: 11,
  ipv4Netconf: 24,
  ipv6Netconf: 25,
} as const;

export const addressFamily = { unspecified: 0, ipv4: 2, ipv6: 10 } as const;
