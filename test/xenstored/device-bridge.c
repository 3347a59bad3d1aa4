/*
 * Gives xenstored's Unix socket the shape of a character device: prints the name of a pseudo terminal and carries bytes
 * between it and the socket, until either ends. Like /dev/xen/xenbus, a read of it blocks until there is something.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <termios.h>
#include <unistd.h>

#define HEADER 16
#define MOMENT_MS 2

static unsigned char message[4096];
static unsigned int have;
static unsigned char headers[64][HEADER];
static unsigned int taken;

static int put(int to, const void *bytes, size_t length)
{
	size_t done = 0;

	while (done < length) {
		ssize_t wrote = write(to, (const char *)bytes + done, length - done);

		if (wrote <= 0)
			return 0;
		done += wrote;
	}
	return 1;
}

static int carry(int from, int to)
{
	char buffer[1024];
	ssize_t got = read(from, buffer, sizeof buffer);

	return got > 0 && put(to, buffer, got);
}

static unsigned int body_length(const unsigned char *header)
{
	unsigned int length;

	memcpy(&length, header + 12, sizeof length);
	return length > sizeof message - HEADER ? sizeof message - HEADER : length;
}

static int take(int terminal)
{
	unsigned int wanted = HEADER + (have < HEADER ? 0 : body_length(message));
	ssize_t got = read(terminal, message + have, wanted - have);

	if (got <= 0)
		return 0;
	have += got;
	if (have < HEADER || have < HEADER + body_length(message))
		return 1;
	memcpy(headers[taken++], message, HEADER);
	have = 0;
	return 1;
}

static int pass_on(int store)
{
	unsigned int each;

	for (each = 0; each < taken; each++)
		if (!put(store, headers[each], HEADER) || !put(store, message + HEADER, body_length(headers[each])))
			return 0;
	taken = 0;
	return 1;
}

int main(int argc, char **argv)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct termios raw;
	int store = socket(AF_UNIX, SOCK_STREAM, 0);
	int terminal = posix_openpt(O_RDWR | O_NOCTTY);
	int keep;

	if (argc != 2 || strlen(argv[1]) >= sizeof address.sun_path || grantpt(terminal) || unlockpt(terminal))
		return 2;
	strcpy(address.sun_path, argv[1]);
	if (connect(store, (struct sockaddr *)&address, sizeof address))
		return 1;
	/* Kept open, so that the terminal stays raw and outlives the client under test. */
	keep = open(ptsname(terminal), O_RDWR | O_NOCTTY);
	if (keep < 0 || tcgetattr(keep, &raw))
		return 1;
	cfmakeraw(&raw);
	tcsetattr(keep, TCSANOW, &raw);
	printf("%s\n", ptsname(terminal));
	fflush(stdout);
	for (;;) {
		struct pollfd ends[2] = { { terminal, POLLIN, 0 }, { store, POLLIN, 0 } };

		int ready = poll(ends, 2, taken > 0 ? MOMENT_MS : -1);

		if (ready < 0)
			return 1;
		if ((ready == 0 || taken == sizeof headers / HEADER) && !pass_on(store))
			return 0;
		if (ends[0].revents && !take(terminal))
			return 0;
		if (ends[1].revents && !carry(store, terminal))
			return 0;
	}
}
