/* What the peers have in common: they wait for new zone links and know each one's addresses from a file. */
#define _GNU_SOURCE
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { most_zones = 8192 };
struct zone {
	char link[IF_NAMESIZE], ipv4[16], ipv6[46];
	int index;
};
static struct zone zones[most_zones];
static size_t zone_count;

/* `LINK IPV4 IPV6` a line. */
static inline void read_zones(const char *path)
{
	FILE *file = fopen(path, "r");
	struct zone *zone = zones;

	if (!file) {
		perror(path);
		exit(1);
	}
	while (zone_count < most_zones && fscanf(file, "%15s %15s %45s", zone->link, zone->ipv4, zone->ipv6) == 3) {
		zone = &zones[++zone_count];
	}
	fclose(file);
}

static inline struct zone *zone_named(const char *link)
{
	for (size_t at = 0; at < zone_count; at++)
		if (!strcmp(zones[at].link, link))
			return &zones[at];
	return NULL;
}

static inline int link_socket(void)
{
	struct sockaddr_nl to = {.nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK};
	int file = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE), size = 64 << 20;

	setsockopt(file, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size);
	if (file < 0 || bind(file, (void *)&to, sizeof to) < 0) {
		perror("link events");
		exit(1);
	}
	return file;
}

/* Calls `open` for each known zone whose link is born. Never returns. */
static inline void serve_births(void (*open)(struct zone *))
{
	static char buffer[1 << 16];
	int events = link_socket();

	printf("ready\n");
	fflush(stdout);
	for (;;) {
		ssize_t length = recv(events, buffer, sizeof buffer, 0);
		for (struct nlmsghdr *head = (void *)buffer; length > 0 && NLMSG_OK(head, length); head = NLMSG_NEXT(head, length)) {
			struct ifinfomsg *info = NLMSG_DATA(head);
			struct rtattr *each = IFLA_RTA(info);
			int left = IFLA_PAYLOAD(head);
			for (; head->nlmsg_type == RTM_NEWLINK && RTA_OK(each, left); each = RTA_NEXT(each, left)) {
				struct zone *zone = each->rta_type == IFLA_IFNAME ? zone_named(RTA_DATA(each)) : NULL;
				if (!zone || zone->index == info->ifi_index)
					continue;
				zone->index = info->ifi_index;
				open(zone);
			}
		}
	}
}
