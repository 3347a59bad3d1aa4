/*
 * Prints a line `PID MILLISECONDS` for each nftables transaction as the kernel commits it: who made it, and when it was
 * told, by CLOCK_MONOTONIC. nft's own monitor says the same after it has printed the objects, tens of milliseconds later.
 */
#include <arpa/inet.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <sys/socket.h>
#include <time.h>

enum { buffer_bytes = 16 << 20 };

static const int newgen = NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWGEN;

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1e3 + time.tv_nsec / 1e6;
}

static void tell(struct nlmsghdr *message, double at)
{
	char *next = (char *)NLMSG_DATA(message) + NLMSG_ALIGN(sizeof(struct nfgenmsg));
	char *end = (char *)message + message->nlmsg_len;

	while (next + NLA_HDRLEN <= end) {
		struct nlattr *attribute = (struct nlattr *)next;

		if (attribute->nla_len < NLA_HDRLEN)
			return;
		if ((attribute->nla_type & NLA_TYPE_MASK) == NFTA_GEN_PROC_PID)
			printf("%u %.3f\n", ntohl(*(unsigned int *)(next + NLA_HDRLEN)), at);
		next += NLA_ALIGN(attribute->nla_len);
	}
	fflush(stdout);
}

int main(void)
{
	static char buffer[1 << 20];
	/* Nothing is announced to a socket without a name of its own. */
	struct sockaddr_nl any = { .nl_family = AF_NETLINK };
	int group = NFNLGRP_NFTABLES, bytes = buffer_bytes;
	int kernel = socket(AF_NETLINK, SOCK_RAW, NETLINK_NETFILTER);

	setsockopt(kernel, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes);
	if (kernel < 0 || bind(kernel, (struct sockaddr *)&any, sizeof any) != 0 ||
	    setsockopt(kernel, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof group) != 0) {
		perror("generations");
		return 1;
	}
	printf("ready\n");
	fflush(stdout);
	for (;;) {
		int length = recv(kernel, buffer, sizeof buffer, 0);
		double at = now();

		if (length < 0) {
			perror("generations");
			return 1;
		}
		for (struct nlmsghdr *each = (void *)buffer; NLMSG_OK(each, length); each = NLMSG_NEXT(each, length))
			if (each->nlmsg_type == newgen)
				tell(each, at);
	}
}
