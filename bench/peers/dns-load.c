/* Asks a resolver by UDP from many addresses: dns-load SERVER PORT SOURCES PARALLEL COUNT FIRST MODULUS SUFFIX
 * SOURCES addresses from 10.75.8.0 on, PARALLEL queries at once, COUNT in all; names nK.SUFFIX, K from FIRST on, modulo MODULUS.
 * Prints: answers a second, median microseconds of an answer, answers with an address, queries without an answer. */
#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1e6 + time.tv_nsec / 1e3;
}

static int by_size(const void *a, const void *b) {
  double difference = *(const double *)a - *(const double *)b;
  return difference < 0 ? -1 : difference > 0;
}

static int query(unsigned char *bytes, int id, int name, const char *suffix) {
  static const unsigned char head[12] = {0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 1};
  static const unsigned char tail[] = {0, 0, 1, 0, 1, 0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 0};
  char text[256];
  memcpy(bytes, head, 12);
  bytes[0] = id >> 8, bytes[1] = id;
  int size = 12;
  snprintf(text, sizeof text, "n%d.%s", name, suffix);
  for (char *label = strtok(text, "."); label != NULL; label = strtok(NULL, ".")) {
    bytes[size++] = strlen(label);
    memcpy(bytes + size, label, strlen(label));
    size += strlen(label);
  }
  memcpy(bytes + size, tail, sizeof tail);
  return size + sizeof tail;
}

int main(int argc, char **argv) {
  if (argc != 9) return 2;
  int sources = atoi(argv[3]), parallel = atoi(argv[4]), count = atoi(argv[5]), first = atoi(argv[6]), modulus = atoi(argv[7]);
  struct sockaddr_in server = {.sin_family = AF_INET, .sin_port = htons(atoi(argv[2]))};
  inet_pton(AF_INET, argv[1], &server.sin_addr);
  int *sockets = calloc(sources, sizeof *sockets);
  for (int i = 0; i < sources; i++) {
    struct sockaddr_in own = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x0a4b0800 + i)};
    sockets[i] = socket(AF_INET, SOCK_DGRAM, 0);
    if (bind(sockets[i], (void *)&own, sizeof own) || connect(sockets[i], (void *)&server, sizeof server)) return perror("socket"), 1;
  }
  struct pollfd *slots = calloc(parallel, sizeof *slots);
  double *begun = calloc(parallel, sizeof *begun), *times = calloc(count, sizeof *times);
  int *ids = calloc(parallel, sizeof *ids);
  int sent = 0, done = 0, good = 0, lost = 0, next = 0;
  double start = now();
  while (done + lost < count) {
    for (int i = 0; i < parallel && sent < count; i++) {
      if (slots[i].events) continue;
      unsigned char bytes[300];
      ids[i] = rand() & 0xffff;
      int size = query(bytes, ids[i], (first + sent++) % modulus, argv[8]);
      slots[i] = (struct pollfd){.fd = sockets[next++ % sources], .events = POLLIN};
      begun[i] = now();
      send(slots[i].fd, bytes, size, 0);
    }
    poll(slots, parallel, 100);
    for (int i = 0; i < parallel; i++) {
      unsigned char bytes[2048];
      if (!slots[i].events) continue;
      if (slots[i].revents & POLLIN) {
        int size = recv(slots[i].fd, bytes, sizeof bytes, MSG_DONTWAIT);
        if (size < 12 || (bytes[0] << 8 | bytes[1]) != ids[i]) continue;
        times[done++] = now() - begun[i];
        good += (bytes[3] & 15) == 0 && bytes[7] > 0;
        slots[i].events = 0;
      } else if (now() - begun[i] > 3e6) {
        lost++;
        slots[i].events = 0;
      }
    }
  }
  double seconds = (now() - start) / 1e6;
  qsort(times, done, sizeof *times, by_size);
  printf("%.0f %.1f %d %d\n", done / seconds, done ? times[done / 2] : 0, good, lost);
  return 0;
}
