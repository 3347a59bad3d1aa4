/* In the place of xenstore-read and xenstore-write: knows the one answer that vif-route wants, and takes everything. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int count, char **words)
{
	const char *name = strrchr(words[0], '/'), *key = count > 1 ? strrchr(words[1], '/') : NULL;

	if (name && !strcmp(name, "/xenstore-write"))
		return 0;
	if (!key || strcmp(key, "/ip") || !getenv("ZONE_IPV4"))
		return 1;
	puts(getenv("ZONE_IPV4"));
	return 0;
}
