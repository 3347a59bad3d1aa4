/*
 * The guest's side of a new link, in a namespace of its own, with no IP stack's delays: first-ping OWN GATEWAY FAR.
 * Waits for a link `eth0`, sets it up, asks by ARP for GATEWAY and then sends echo requests from OWN to FAR, twice a
 * millisecond, until one is answered; answers ARP for OWN meanwhile. Prints the microseconds from the link's own event.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/if_ether.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

static unsigned char own_mac[6], gateway_mac[6];
static in_addr_t own, gateway, far;
static int packets;

static double now(void)
{
	struct timespec at;
	clock_gettime(CLOCK_MONOTONIC, &at);
	return at.tv_sec * 1e6 + at.tv_nsec / 1e3;
}

static unsigned short checksum(const void *data, size_t length)
{
	const unsigned short *word = data;
	unsigned long sum = 0;

	for (; length > 1; length -= 2)
		sum += *word++;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return ~sum;
}

static void send_arp(int operation, in_addr_t target, const unsigned char *target_mac)
{
	struct {
		struct ether_header ethernet;
		struct ether_arp arp;
	} __attribute__((packed)) frame = {.ethernet.ether_type = htons(ETHERTYPE_ARP)};

	memset(frame.ethernet.ether_dhost, 0xff, 6);
	if (target_mac)
		memcpy(frame.ethernet.ether_dhost, target_mac, 6);
	memcpy(frame.ethernet.ether_shost, own_mac, 6);
	frame.arp.ea_hdr = (struct arphdr){htons(ARPHRD_ETHER), htons(ETHERTYPE_IP), 6, 4, htons(operation)};
	memcpy(frame.arp.arp_sha, own_mac, 6);
	memcpy(frame.arp.arp_spa, &own, 4);
	if (target_mac)
		memcpy(frame.arp.arp_tha, target_mac, 6);
	memcpy(frame.arp.arp_tpa, &target, 4);
	send(packets, &frame, sizeof frame, 0);
}

static void send_echo(void)
{
	struct {
		struct ether_header ethernet;
		struct iphdr ip;
		struct icmphdr icmp;
	} __attribute__((packed)) frame = {
		.ethernet.ether_type = htons(ETHERTYPE_IP),
		.ip = {.version = 4, .ihl = 5, .ttl = 64, .protocol = IPPROTO_ICMP, .tot_len = htons(28), .saddr = own, .daddr = far},
		.icmp = {.type = ICMP_ECHO, .un.echo.id = htons(7)},
	};
	struct iphdr ip = frame.ip;
	struct icmphdr icmp = frame.icmp;

	ip.check = checksum(&ip, sizeof ip);
	icmp.checksum = checksum(&icmp, sizeof icmp);
	frame.ip = ip;
	frame.icmp = icmp;
	memcpy(frame.ethernet.ether_dhost, gateway_mac, 6);
	memcpy(frame.ethernet.ether_shost, own_mac, 6);
	send(packets, &frame, sizeof frame, 0);
}

/* Returns whether it was the answer. */
static int hear(int *knows_gateway)
{
	unsigned char frame[2048];
	ssize_t length = recv(packets, frame, sizeof frame, MSG_DONTWAIT);
	struct ether_header *ethernet = (void *)frame;

	if (length >= (ssize_t)(14 + sizeof(struct ether_arp)) && ethernet->ether_type == htons(ETHERTYPE_ARP)) {
		struct ether_arp *arp = (void *)(frame + 14);
		if (arp->ea_hdr.ar_op == htons(ARPOP_REPLY) && !memcmp(arp->arp_spa, &gateway, 4)) {
			memcpy(gateway_mac, arp->arp_sha, 6);
			*knows_gateway = 1;
		} else if (arp->ea_hdr.ar_op == htons(ARPOP_REQUEST) && !memcmp(arp->arp_tpa, &own, 4)) {
			in_addr_t asker;
			memcpy(&asker, arp->arp_spa, 4);
			send_arp(ARPOP_REPLY, asker, arp->arp_sha);
		}
	} else if (length >= 42 && ethernet->ether_type == htons(ETHERTYPE_IP)) {
		struct iphdr *ip = (void *)(frame + 14);
		return ip->protocol == IPPROTO_ICMP && ip->saddr == far && frame[14 + ip->ihl * 4] == ICMP_ECHOREPLY;
	}
	return 0;
}

static double born(int *index)
{
	struct sockaddr_nl to = {.nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK};
	int events = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	char buffer[8192];

	bind(events, (void *)&to, sizeof to);
	puts("ready");
	fflush(stdout);
	for (;;) {
		if (recv(events, buffer, sizeof buffer, 0) < 0)
			exit(1);
		double at = now();
		*index = if_nametoindex("eth0");
		if (*index)
			return at;
	}
}

int main(int count, char **words)
{
	struct ifreq link = {.ifr_name = "eth0"};
	struct sockaddr_ll to = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL)};
	int knows_gateway = 0;
	double begin, sent = 0;

	if (count != 4)
		return 2;
	own = inet_addr(words[1]);
	gateway = inet_addr(words[2]);
	far = inet_addr(words[3]);
	begin = born(&to.sll_ifindex);
	packets = socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL));
	bind(packets, (void *)&to, sizeof to);
	ioctl(packets, SIOCGIFHWADDR, &link);
	memcpy(own_mac, link.ifr_hwaddr.sa_data, 6);
	ioctl(packets, SIOCGIFFLAGS, &link);
	link.ifr_flags |= IFF_UP;
	ioctl(packets, SIOCSIFFLAGS, &link);
	while (now() - begin < 20e6) {
		struct pollfd waiting = {.fd = packets, .events = POLLIN};
		struct timespec pause = {.tv_nsec = 500000};
		if (now() - sent >= 500) {
			sent = now();
			if (knows_gateway)
				send_echo();
			else
				send_arp(ARPOP_REQUEST, gateway, NULL);
		}
		if (ppoll(&waiting, 1, &pause, NULL) > 0 && hear(&knows_gateway)) {
			printf("%.0f\n", now() - begin);
			return 0;
		}
	}
	puts("-1");
	return 0;
}
