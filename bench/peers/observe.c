/*
 * Sees in the kernel's own announcements when links came or went and when somebody last did something about it. Runs in
 * the host's namespace, in which nothing else goes on:
 *   observe
 * A request a line on stdin: QUIET_MS [PROXY_ADDRESS PROXY_LINK]. It is answered when the first link event has been
 * followed by QUIET_MS without any (behind a birth, by a route and then QUIET_MS), by a line of numbers: births, deaths, microseconds from the first link event to the
 * last birth or death, to the last work, number of work events, microseconds to the neighbour proxy (of which the kernel
 * says nothing: asked for until it is there). Work: routes that are not the kernel's own, settings, nftables.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <linux/if_link.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { most_links = 1 << 21 };
static unsigned char known[most_links / 8];
static char buffer[1 << 20];
static unsigned long births, deaths, work, routes;
static double first, last_link, last_work;

static double now(void)
{
	struct timespec at;
	clock_gettime(CLOCK_MONOTONIC, &at);
	return at.tv_sec * 1e6 + at.tv_nsec / 1e3;
}

static int subscribe(int protocol, unsigned int groups)
{
	struct sockaddr_nl to = {.nl_family = AF_NETLINK, .nl_groups = groups};
	int file = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol), size = 256 << 20;

	setsockopt(file, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size);
	if (file < 0 || bind(file, (void *)&to, sizeof to) < 0) {
		perror("observe");
		exit(1);
	}
	return file;
}

static void link_event(const struct nlmsghdr *head, double at)
{
	const struct ifinfomsg *info = NLMSG_DATA(head);
	unsigned int index = info->ifi_index, bit = 1u << (index % 8);

	if (index >= most_links || info->ifi_family != AF_UNSPEC)
		return;
	if (head->nlmsg_type == RTM_NEWLINK && !(known[index / 8] & bit)) {
		known[index / 8] |= bit;
		births++;
	} else if (head->nlmsg_type == RTM_DELLINK && (known[index / 8] & bit)) {
		known[index / 8] &= ~bit;
		deaths++;
	} else {
		return;
	}
	if (first == 0)
		first = at;
	last_link = at;
}

static int is_work(const struct nlmsghdr *head, int protocol)
{
	if (protocol == NETLINK_NETFILTER)
		return 1;
	if (head->nlmsg_type == RTM_NEWROUTE || head->nlmsg_type == RTM_DELROUTE)
		return ((struct rtmsg *)NLMSG_DATA(head))->rtm_protocol != RTPROT_KERNEL;
	return head->nlmsg_type == RTM_NEWNETCONF;
}

/* Returns whether anything was of interest. */
static int hear(int file, int protocol)
{
	int heard = 0;
	ssize_t length = recv(file, buffer, sizeof buffer, MSG_DONTWAIT);
	double at = now();

	for (struct nlmsghdr *head = (void *)buffer; length > 0 && NLMSG_OK(head, length); head = NLMSG_NEXT(head, length)) {
		double before = last_link;
		if (protocol == NETLINK_ROUTE && (head->nlmsg_type == RTM_NEWLINK || head->nlmsg_type == RTM_DELLINK)) {
			link_event(head, at);
			heard |= last_link != before;
		} else if (first != 0 && is_work(head, protocol)) {
			work++;
			routes += protocol == NETLINK_ROUTE && head->nlmsg_type == RTM_NEWROUTE;
			last_work = at;
			heard = 1;
		}
	}
	if (length < 0)
		perror("observe: events were lost");
	return heard;
}

/* Asks for one entry; 0 where it is there. */
static int proxy_is_missing(int file, const struct in6_addr *address, int index)
{
	struct {
		struct nlmsghdr head;
		struct ndmsg body;
		struct rtattr attribute;
		struct in6_addr address;
	} ask = {
		.head = {.nlmsg_len = sizeof ask, .nlmsg_type = RTM_GETNEIGH, .nlmsg_flags = NLM_F_REQUEST},
		.body = {.ndm_family = AF_INET6, .ndm_ifindex = index, .ndm_flags = NTF_PROXY},
		.attribute = {.rta_len = RTA_LENGTH(sizeof *address), .rta_type = NDA_DST},
		.address = *address,
	};

	if (send(file, &ask, sizeof ask, 0) < 0 || recv(file, buffer, sizeof buffer, 0) < 0)
		return 1;
	return ((struct nlmsghdr *)buffer)->nlmsg_type != RTM_NEWNEIGH;
}

static void answer(int route, int firewall, double quiet, const char *address, const char *link)
{
	struct pollfd waiting[] = {{.fd = route, .events = POLLIN}, {.fd = firewall, .events = POLLIN}};
	int asking = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	double deadline = now() + 300e6, silent = 0, proxied = 0;
	struct in6_addr proxy;
	int asks = inet_pton(AF_INET6, address, &proxy) == 1, index = 0;
	/* For the first work: a script may take its time to begin. */
	const double patience = 10e6;

	births = deaths = work = routes = 0;
	first = last_link = last_work = 0;
	while (now() < deadline && (first == 0 || now() - silent < (work == 0 || (deaths == 0 && routes == 0) ? patience : quiet))) {
		int polls = asks && first != 0 && proxied == 0;
		/* Rarely enough to take nothing from those who work: it has priority over them. */
		struct timespec pause = {.tv_nsec = polls ? 100000 : 1000000};
		if (ppoll(waiting, 2, &pause, NULL) > 0) {
			int heard = waiting[0].revents ? hear(route, NETLINK_ROUTE) : 0;
			heard |= waiting[1].revents ? hear(firewall, NETLINK_NETFILTER) : 0;
			if (heard)
				silent = now();
		}
		if (polls && index == 0)
			index = if_nametoindex(link);
		if (polls && !proxy_is_missing(asking, &proxy, index))
			proxied = now();
	}
	close(asking);
	printf("%lu %lu %.0f %.0f %lu %.0f\n", births, deaths, last_link - first, last_work ? last_work - first : -1, work,
	       proxied ? proxied - first : -1);
	fflush(stdout);
}

int main(void)
{
	struct sched_param urgent = {.sched_priority = 10};
	int route = subscribe(NETLINK_ROUTE, RTMGRP_LINK | RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE);
	int firewall = subscribe(NETLINK_NETFILTER, 1u << (NFNLGRP_NFTABLES - 1));
	int group = RTNLGRP_IPV4_NETCONF;
	char line[256];

	setsockopt(route, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof group);
	group = RTNLGRP_IPV6_NETCONF;
	setsockopt(route, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof group);
	/* It sleeps but for a few microseconds an event, and must not be late. */
	sched_setscheduler(0, SCHED_FIFO, &urgent);
	struct if_nameindex *links = if_nameindex();
	for (struct if_nameindex *each = links; each && each->if_index; each++)
		if (each->if_index < most_links)
			known[each->if_index / 8] |= 1u << (each->if_index % 8);
	if_freenameindex(links);
	printf("ready\n");
	fflush(stdout);
	while (fgets(line, sizeof line, stdin)) {
		char address[64] = "", link[IF_NAMESIZE] = "";
		double quiet = 0;
		sscanf(line, "%lf %63s %15s", &quiet, address, link);
		/* What came before the request belongs to no question. */
		struct pollfd waiting[] = {{.fd = route, .events = POLLIN}, {.fd = firewall, .events = POLLIN}};
		while (poll(waiting, 2, 0) > 0) {
			if (waiting[0].revents)
				hear(route, NETLINK_ROUTE);
			if (waiting[1].revents)
				hear(firewall, NETLINK_NETFILTER);
		}
		printf("armed\n");
		fflush(stdout);
		answer(route, firewall, quiet * 1e3, address, link);
	}
	return 0;
}
