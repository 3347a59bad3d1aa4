/** RTNLGRP_* of include/uapi/linux/rtnetlink.h. */
export const routeGroup = {
  link: 1,
  ipv4Address: 5,
  ipv4Route: 7,
  ipv6Address: 9,
  ipv6Route: 11,
  ipv4Netconf: 24,
  ipv6Netconf: 25,
} as const;
