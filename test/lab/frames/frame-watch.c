/*
 * Prints a line "MICROSECONDS NAME ROUND" (CLOCK_MONOTONIC, the rest decimal) for each tag ("PNtg", 4 bytes of name,
 * 4 of round, in network order) in what arrives; "watching" once it does.
 *   frame-watch link LINK   frames that arrive by a link, whatever they are
 *   frame-watch local       what the IP stack delivers here: ICMP and UDP port 4711 of either family
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

enum { port = 4711 };

static int must(int result, const char *what)
{
	if (result >= 0)
		return result;
	perror(what);
	exit(1);
}

static int of_link(const char *name)
{
	struct sockaddr_ll from = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL)};
	int on = 1, raw = must(socket(AF_PACKET, SOCK_RAW, 0), "socket");

	from.sll_ifindex = if_nametoindex(name);
	must(setsockopt(raw, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof on), "PACKET_IGNORE_OUTGOING");
	must(bind(raw, (void *)&from, sizeof from), name);
	return raw;
}

/* One socket for both families, so that what it is given keeps its order. */
static int of_port(void)
{
	struct sockaddr_in6 any = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
	int off = 0, udp = must(socket(AF_INET6, SOCK_DGRAM, 0), "socket");

	must(setsockopt(udp, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off), "IPV6_V6ONLY");
	must(bind(udp, (void *)&any, sizeof any), "bind");
	return udp;
}

static void tell(FILE *to, const unsigned char *at, const unsigned char *past)
{
	struct timespec now;
	uint32_t fields[2];

	clock_gettime(CLOCK_MONOTONIC, &now);
	while ((at = memmem(at, past - at, "PNtg", 4)) && past - at >= 12) {
		memcpy(fields, at + 4, 8);
		fprintf(to, "%lld %u %u\n", now.tv_sec * 1000000LL + now.tv_nsec / 1000, ntohl(fields[0]), ntohl(fields[1]));
		at += 12;
	}
}

static void drain(int from, FILE *to)
{
	static unsigned char frame[65536];
	ssize_t length;

	while ((length = recv(from, frame, sizeof frame, MSG_DONTWAIT)) >= 0)
		tell(to, frame, frame + length);
}

int main(int count, char **words)
{
	struct pollfd sources[3];
	int all = 0, size = 16 << 20;

	if (count == 3 && !strcmp(words[1], "link"))
		sources[all++].fd = of_link(words[2]);
	else if (count == 2 && !strcmp(words[1], "local")) {
		sources[all++].fd = of_port();
		sources[all++].fd = must(socket(AF_INET, SOCK_RAW, IPPROTO_ICMP), "socket");
		sources[all++].fd = must(socket(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6), "socket");
	} else
		return 2;
	for (int which = 0; which < all; which++) {
		setsockopt(sources[which].fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size);
		sources[which].events = POLLIN;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	puts("watching");
	while (poll(sources, all, -1) >= 0) {
		/* What came to the port is read first and told last: by then everything that came before it has been told. */
		char *text = NULL;
		size_t length;
		FILE *later = open_memstream(&text, &length);

		for (int which = 0; which < all; which++)
			drain(sources[which].fd, all > 1 && which == 0 ? later : stdout);
		fclose(later);
		fputs(text, stdout);
		free(text);
	}
	return 1;
}
