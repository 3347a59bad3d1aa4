/*
 * As fast as it gets: does for each new link what the daemon does, by libnftables and rtnetlink, in one process that only
 * does that: wire ZONES. The tables are those that the daemon made before. No state, no checks, no retries.
 */
#include "links.h"
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/neighbour.h>
#include <nftables/libnftables.h>

static struct nft_ctx *nft;
static int route;

struct message {
	struct nlmsghdr head;
	char body[256];
};

static void add(struct message *message, int type, const void *value, size_t length)
{
	struct rtattr *attribute = (void *)((char *)message + NLMSG_ALIGN(message->head.nlmsg_len));

	attribute->rta_type = type;
	attribute->rta_len = RTA_LENGTH(length);
	memcpy(RTA_DATA(attribute), value, length);
	message->head.nlmsg_len = NLMSG_ALIGN(message->head.nlmsg_len) + RTA_ALIGN(attribute->rta_len);
}

static void change(struct message *message, const char *what)
{
	char answer[1024];
	struct nlmsghdr *head = (void *)answer;

	message->head.nlmsg_flags |= NLM_F_REQUEST | NLM_F_ACK;
	if (send(route, message, message->head.nlmsg_len, 0) < 0 || recv(route, answer, sizeof answer, 0) < 0)
		perror(what);
	else if (head->nlmsg_type == NLMSG_ERROR && ((struct nlmsgerr *)NLMSG_DATA(head))->error)
		fprintf(stderr, "%s: %s\n", what, strerror(-((struct nlmsgerr *)NLMSG_DATA(head))->error));
}

static void link_up(int index)
{
	struct message message = {.head = {.nlmsg_len = NLMSG_LENGTH(sizeof(struct ifinfomsg)), .nlmsg_type = RTM_NEWLINK}};
	struct ifinfomsg *info = NLMSG_DATA(&message.head);

	info->ifi_index = index;
	info->ifi_flags = info->ifi_change = IFF_UP;
	change(&message, "link up");
}

static void add_route(int index, int family, const char *text)
{
	struct message message = {.head = {.nlmsg_len = NLMSG_LENGTH(sizeof(struct rtmsg)), .nlmsg_type = RTM_NEWROUTE, .nlmsg_flags = NLM_F_CREATE | NLM_F_EXCL}};
	struct rtmsg *body = NLMSG_DATA(&message.head);
	unsigned char address[16];
	size_t length = family == AF_INET ? 4 : 16;

	inet_pton(family, text, address);
	*body = (struct rtmsg){.rtm_family = family, .rtm_dst_len = length * 8, .rtm_table = RT_TABLE_MAIN, .rtm_protocol = 75, .rtm_scope = family == AF_INET ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE, .rtm_type = RTN_UNICAST};
	add(&message, RTA_DST, address, length);
	add(&message, RTA_OIF, &index, sizeof index);
	change(&message, "route");
}

static void add_proxy(int index, const char *text)
{
	struct message message = {.head = {.nlmsg_len = NLMSG_LENGTH(sizeof(struct ndmsg)), .nlmsg_type = RTM_NEWNEIGH, .nlmsg_flags = NLM_F_CREATE | NLM_F_REPLACE}};
	struct ndmsg *body = NLMSG_DATA(&message.head);
	unsigned char address[16], protocol = 75;

	inet_pton(AF_INET6, text, address);
	*body = (struct ndmsg){.ndm_family = AF_INET6, .ndm_ifindex = index, .ndm_state = NUD_PERMANENT, .ndm_flags = NTF_PROXY};
	add(&message, NDA_DST, address, sizeof address);
	add(&message, NDA_PROTOCOL, &protocol, sizeof protocol);
	change(&message, "neighbour proxy");
}

static void set(const char *family, const char *group, const char *link, const char *key, const char *value)
{
	char path[160];
	int file;

	snprintf(path, sizeof path, "/proc/sys/net/%s/%s/%s/%s", family, group, link, key);
	file = open(path, O_WRONLY | O_CLOEXEC);
	if (file < 0 || write(file, value, 1) != 1)
		perror(path);
	close(file);
}

static void wire(struct zone *zone)
{
	static const char *const both[] = {"accept_redirects", "accept_source_route", NULL};
	const char *l = zone->link, *a = zone->ipv4, *b = zone->ipv6;
	char script[2048];

	snprintf(script, sizeof script,
		 "add element inet edera from4 { %s . %s }\nadd element inet edera to4 { %s . %s }\nadd element inet edera zone4 { %s }\n"
		 "add element inet edera from6 { %s . %s }\nadd element inet edera to6 { %s . %s }\nadd element inet edera zone6 { %s }\n"
		 "add element inet edera spoofed { %s }\nadd element inet edera strays { %s }\n"
		 "add element inet edera foreign-errors { %s }\nadd element inet edera discovery-floods { %s }\n"
		 "add element inet edera untranslated { %s }\nadd element inet edera own4 { %s . %s }\nadd element inet edera own6 { %s . %s }\n"
		 "add rule ip filter EDERA-FORWARD oifname %s counter accept\nadd rule ip filter EDERA-FORWARD iifname %s counter accept\n"
		 "add rule ip6 filter EDERA-FORWARD oifname %s counter accept\nadd rule ip6 filter EDERA-FORWARD iifname %s counter accept\n",
		 l, a, l, a, a, l, b, l, b, b, l, l, l, l, l, l, a, l, b, l, l, l, l);
	if (nft_run_cmd_from_buffer(nft, script))
		fprintf(stderr, "nft refused\n");
	for (const char *const *key = both; *key; key++) {
		set("ipv6", "conf", l, *key, "0");
		set("ipv4", "conf", l, *key, "0");
	}
	set("ipv6", "conf", l, "accept_ra", "0");
	set("ipv6", "conf", l, "autoconf", "0");
	set("ipv6", "conf", l, "accept_dad", "0");
	set("ipv6", "conf", l, "proxy_ndp", "1");
	set("ipv6", "neigh", l, "proxy_delay", "0");
	set("ipv4", "conf", l, "rp_filter", "1");
	set("ipv4", "conf", l, "secure_redirects", "0");
	set("ipv4", "conf", l, "send_redirects", "0");
	set("ipv4", "conf", l, "proxy_arp", "1");
	set("ipv4", "neigh", l, "proxy_delay", "0");
	link_up(zone->index);
	add_route(zone->index, AF_INET, a);
	add_route(zone->index, AF_INET6, b);
	add_proxy(zone->index, "fdd4:1476:6c7e::1");
}

int main(int count, char **words)
{
	if (count != 2)
		return 2;
	read_zones(words[1]);
	nft = nft_ctx_new(NFT_CTX_DEFAULT);
	route = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	serve_births(wire);
}
