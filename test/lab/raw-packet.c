/*
 * Sends one raw IPv4 packet out of whatever interface leads there, with every field as told:
 *   raw-packet SOURCE DESTINATION ID FLAGS_AND_OFFSET PROTOCOL HEX_PAYLOAD
 * FLAGS_AND_OFFSET is the 16-bit field: 8192 is "more fragments", the offset counts units of 8 bytes.
 */
#include <arpa/inet.h>
#include <netinet/ip.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

int main(int count, char **words)
{
	unsigned char packet[1500] = {0};
	struct iphdr *ip = (struct iphdr *)packet;
	struct sockaddr_in to = {.sin_family = AF_INET};
	size_t length = 0;
	unsigned int byte;

	if (count != 7)
		return 2;
	for (const char *hex = words[6]; sscanf(hex, "%2x", &byte) == 1 && length < 1400; hex += 2)
		packet[sizeof *ip + length++] = byte;
	ip->version = 4;
	ip->ihl = 5;
	ip->ttl = 64;
	ip->protocol = atoi(words[5]);
	ip->id = htons(atoi(words[3]));
	ip->frag_off = htons(atoi(words[4]));
	ip->tot_len = htons(sizeof *ip + length);
	inet_pton(AF_INET, words[1], &ip->saddr);
	inet_pton(AF_INET, words[2], &ip->daddr);
	to.sin_addr.s_addr = ip->daddr;
	int raw = socket(AF_INET, SOCK_RAW, IPPROTO_RAW);
	if (raw < 0 || sendto(raw, packet, sizeof *ip + length, 0, (void *)&to, sizeof to) < 0) {
		perror("raw-packet");
		return 1;
	}
	return 0;
}
