/*
 * Preloaded into Debian's unmodified C xenstored so that it starts where there is no Xen. Only what xenstored asks of
 * the hypervisor is answered here: its own event channel and page, and which domains exist (all of them, all alive).
 * The Unix socket, the tree, permissions, watches and transactions are xenstored's own.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGE 4096

/* Handles are opaque to xenstored: any address that is not NULL does. */
static char handle;

/* --- event channels: a descriptor that never becomes readable --- */
static int channel = -1;

void *xenevtchn_open(void *logger, unsigned int flags)
{
	if (channel < 0)
		channel = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	return channel < 0 ? NULL : &handle;
}

void *xenevtchn_fdopen(void *logger, int fd, unsigned int flags)
{
	return xenevtchn_open(logger, flags);
}

int xenevtchn_fd(void *events)
{
	return channel;
}

int xenevtchn_bind_interdomain(void *events, uint32_t domid, uint32_t remote_port)
{
	static int port = 100;

	return port++;
}

int xenevtchn_bind_virq(void *events, unsigned int virq)
{
	return 1;
}

int xenevtchn_pending(void *events)
{
	return -1;
}

int xenevtchn_notify(void *events, uint32_t port)
{
	return 0;
}

int xenevtchn_unmask(void *events, uint32_t port)
{
	return 0;
}

int xenevtchn_unbind(void *events, uint32_t port)
{
	return 0;
}

/* --- grants: every domain's ring is an empty page of our own --- */
void *xengnttab_open(void *logger, unsigned int flags)
{
	return &handle;
}

int xengnttab_close(void *grants)
{
	return 0;
}

int xengnttab_set_max_grants(void *grants, uint32_t count)
{
	return 0;
}

void *xengnttab_map_grant_ref(void *grants, uint32_t domid, uint32_t ref, int protection)
{
	return mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

int xengnttab_unmap(void *grants, void *address, uint32_t pages)
{
	return munmap(address, PAGE * (size_t)pages);
}

/* --- libxenctrl: a domain that is asked for is there and runs --- */
void *xc_interface_open(void *logger, void *dombuild_logger, unsigned int flags)
{
	return &handle;
}

int xc_interface_close(void *control)
{
	return 0;
}

int xc_domain_getinfo(void *control, uint32_t first_domid, unsigned int max, void *answer)
{
	/* The struct begins with domid, ssidref, a word of flag bits and the shutdown reason; xenstored reads no further. */
	uint32_t head[4] = { first_domid, 0, 0, 0 };

	memcpy(answer, head, sizeof head);
	return 1;
}

/* --- the kernel's files about xenstored's own ring --- */
static int stand_in(const char *path)
{
	int fd;

	if (strcmp(path, "/proc/xen/xsd_port") == 0) {
		fd = memfd_create("xsd_port", MFD_CLOEXEC);
		if (fd >= 0 && pwrite(fd, "1", 1, 0) == 1)
			return fd;
	}
	if (strcmp(path, "/proc/xen/xsd_kva") == 0 || strcmp(path, "/dev/xen/xenbus_backend") == 0) {
		fd = memfd_create("xsd_kva", MFD_CLOEXEC);
		if (fd >= 0 && ftruncate(fd, PAGE) == 0)
			return fd;
	}
	return -1;
}

#define INTERPOSE_OPEN(name)                                                        \
	int name(const char *path, int flags, ...)                                  \
	{                                                                           \
		va_list rest;                                                       \
		int fd = stand_in(path);                                            \
		int (*real)(const char *, int, ...) = dlsym(RTLD_NEXT, #name);      \
		mode_t mode;                                                        \
                                                                                    \
		va_start(rest, flags);                                              \
		mode = (flags & O_CREAT) ? va_arg(rest, mode_t) : 0;                \
		va_end(rest);                                                       \
		return fd >= 0 ? fd : real(path, flags, mode);                      \
	}

INTERPOSE_OPEN(open)
INTERPOSE_OPEN(open64)
