/*
 * What udev or libxl does: starts a hotplug script for each new link and waits for it: launch ZONES SCRIPT [ARGUMENT …].
 * The script is told the link in `vif`, and its xenstore path; the addresses are for those that stand in for xenstore-read.
 */
#include "links.h"
#include <sys/wait.h>

static char **command;

static void launch(struct zone *zone)
{
	char path[64];
	pid_t child = fork();

	if (child == 0) {
		snprintf(path, sizeof path, "/local/domain/0/backend/vif/%s", zone->link + 3);
		setenv("vif", zone->link, 1);
		setenv("XENBUS_PATH", path, 1);
		setenv("ZONE_IPV4", zone->ipv4, 1);
		setenv("ZONE_IPV6", zone->ipv6, 1);
		execv(command[0], command);
		perror(command[0]);
		_exit(127);
	}
	waitpid(child, NULL, 0);
}

int main(int count, char **words)
{
	if (count < 3)
		return 2;
	read_zones(words[1]);
	command = words + 2;
	serve_births(launch);
}
