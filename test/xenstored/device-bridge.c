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

static int carry(int from, int to)
{
	char buffer[1024];
	ssize_t have = read(from, buffer, sizeof buffer), done = 0;

	while (done < have) {
		ssize_t wrote = write(to, buffer + done, have - done);

		if (wrote <= 0)
			return 0;
		done += wrote;
	}
	return have > 0;
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

		if (poll(ends, 2, -1) < 0)
			return 1;
		if (ends[0].revents && !carry(terminal, store))
			return 0;
		if (ends[1].revents && !carry(store, terminal))
			return 0;
	}
}
