/*
 * Sends whole Ethernet frames out of a link, past the sender's own IP stack:
 *   frame-send LINK ROUNDS PAUSE_MICROSECONDS FILE
 * FILE: one frame a line, in hex. All of them are sent in each round; 0 rounds: until SIGTERM. Each tag in them
 * ("PNtg", 4 bytes of name, 4 of round, in network order) is given the round's number. Prints how many frames were taken.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { most_frames = 8192, longest = 2048 };
static unsigned char frames[most_frames][longest];
static size_t lengths[most_frames];
static volatile sig_atomic_t ending;

static void end(int signal)
{
	(void)signal;
	ending = 1;
}

static size_t read_frames(FILE *file)
{
	static char line[2 * longest + 2];
	size_t count = 0;
	unsigned int byte;

	for (; count < most_frames && fgets(line, sizeof line, file); count++)
		for (const char *hex = line; lengths[count] < longest && sscanf(hex, "%2x", &byte) == 1; hex += 2)
			frames[count][lengths[count]++] = byte;
	return count;
}

static void number(size_t frame, uint32_t round)
{
	uint32_t field = htonl(round);
	unsigned char *at = frames[frame], *past = at + lengths[frame];

	while ((at = memmem(at, past - at, "PNtg", 4)) && past - at >= 12) {
		memcpy(at + 8, &field, 4);
		at += 12;
	}
}

int main(int count, char **words)
{
	struct sockaddr_ll to = {.sll_family = AF_PACKET};
	struct sigaction action = {.sa_handler = end};
	unsigned long sent = 0;
	cpu_set_t first;

	FILE *file = count == 5 ? fopen(words[4], "r") : NULL;
	if (!file)
		return 2;
	/* Each processor has a queue of its own for what a veth receives: by one of them, frames keep their order. */
	CPU_ZERO(&first);
	CPU_SET(0, &first);
	sched_setaffinity(0, sizeof first, &first);
	sigaction(SIGTERM, &action, NULL);
	to.sll_ifindex = if_nametoindex(words[1]);
	unsigned long rounds = strtoul(words[2], NULL, 10);
	int raw = socket(AF_PACKET, SOCK_RAW, 0), size = 8 << 20;
	setsockopt(raw, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size);
	size_t all = read_frames(file);
	for (unsigned long round = 1; !ending && (rounds == 0 || round <= rounds); round++) {
		for (size_t frame = 0; frame < all; frame++) {
			number(frame, round);
			if (sendto(raw, frames[frame], lengths[frame], 0, (void *)&to, sizeof to) >= 0)
				sent++;
			else if (errno != ENETDOWN && errno != ENOBUFS) {
				perror("frame-send");
				return 1;
			}
		}
		usleep(strtoul(words[3], NULL, 10));
	}
	printf("%lu\n", sent);
	return 0;
}
