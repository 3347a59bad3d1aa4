/*
 * Small UDP packets, and what each costs the sender's processor: the kernel carries a packet through a pair of virtual
 * links, the host's rules and the next pair in the time of who sends it.
 *   flood sink FAMILY PORT          takes packets and throws them away
 *   flood send ADDRESS PORT COUNT   prints the nanoseconds of processor time a packet
 *   flood open ADDRESS PORT COUNT   the same where each packet begins a connection: its source port is another one
 *   flood pace ADDRESS PORT COUNT RATE
 *                                   begins that many connections, RATE a second, and prints how many milliseconds it took
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* 46 bytes with IPv4 and UDP headers. */
enum { payload = 18 };

static double processor(void)
{
	struct timespec used;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
	return used.tv_sec * 1e9 + used.tv_nsec;
}

static double now(void)
{
	struct timespec time;
	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1e9 + time.tv_nsec;
}

static socklen_t resolve(const char *text, int port, struct sockaddr_storage *to)
{
	struct sockaddr_in *four = (void *)to;
	struct sockaddr_in6 *six = (void *)to;

	memset(to, 0, sizeof *to);
	if (inet_pton(AF_INET, text, &four->sin_addr) == 1) {
		four->sin_family = AF_INET;
		four->sin_port = htons(port);
		return sizeof *four;
	}
	if (inet_pton(AF_INET6, text, &six->sin6_addr) != 1)
		exit(2);
	six->sin6_family = AF_INET6;
	six->sin6_port = htons(port);
	return sizeof *six;
}

static int sink(int port)
{
	struct sockaddr_in6 any = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
	int file = socket(AF_INET6, SOCK_DGRAM, 0), small = 1;

	/* What is full is dropped at once, and nobody is woken. */
	setsockopt(file, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
	if (bind(file, (void *)&any, sizeof any) < 0) {
		perror("sink");
		return 1;
	}
	puts("ready");
	fflush(stdout);
	for (;;)
		select(0, NULL, NULL, NULL, NULL);
}

/* A UDP header in front of the data, without a checksum, which IPv4 does not ask for. */
static void begin_connections(const struct sockaddr_storage *to, socklen_t length, int port, long packets, long rate)
{
	static unsigned short source = 1024;
	unsigned short packet[4 + payload / 2] = {0, htons(port), htons(sizeof packet), 0};
	int file = socket(AF_INET, SOCK_RAW, IPPROTO_UDP);

	if (file < 0 || connect(file, (const void *)to, length) < 0) {
		perror("raw");
		exit(1);
	}
	double begun = now();
	for (long sent = 0; sent < packets; sent++) {
		packet[0] = htons(source = source == 65535 ? 1024 : source + 1);
		send(file, packet, sizeof packet, 0);
		/* In bursts of ten: a sleep is not shorter than 50 microseconds. */
		if (rate > 0 && sent % 10 == 9) {
			double early = begun + (sent + 1) * 1e9 / rate - now();
			if (early > 0)
				usleep(early / 1000);
		}
	}
	close(file);
}

int main(int count, char **words)
{
	struct sockaddr_storage to;
	char data[payload] = "";
	cpu_set_t one;

	if (count == 3 && !strcmp(words[1], "sink"))
		return sink(atoi(words[2]));
	if (count == 6 && !strcmp(words[1], "pace")) {
		socklen_t length = resolve(words[2], atoi(words[3]), &to);
		double begin = now();
		begin_connections(&to, length, atoi(words[3]), atol(words[4]), atol(words[5]));
		printf("%.0f\n", (now() - begin) / 1e6);
		return 0;
	}
	if (count != 5 || (strcmp(words[1], "send") && strcmp(words[1], "open")))
		return 2;
	CPU_ZERO(&one);
	CPU_SET(1, &one);
	sched_setaffinity(0, sizeof one, &one);
	socklen_t length = resolve(words[2], atoi(words[3]), &to);
	long packets = atol(words[4]);
	if (!strcmp(words[1], "open")) {
		double begin = processor();
		begin_connections(&to, length, atoi(words[3]), packets, 0);
		printf("%.1f\n", (processor() - begin) / packets);
		return 0;
	}
	int file = socket(to.ss_family, SOCK_DGRAM, 0);
	if (connect(file, (void *)&to, length) < 0) {
		perror("connect");
		return 1;
	}
	/* The first ones find neighbours and make the connection's entry. */
	for (long sent = 0; sent < packets / 10; sent++)
		send(file, data, sizeof data, 0);
	double begin = processor();
	for (long sent = 0; sent < packets; sent++)
		send(file, data, sizeof data, 0);
	printf("%.1f\n", (processor() - begin) / packets);
	return 0;
}
