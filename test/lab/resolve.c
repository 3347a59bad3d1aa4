/* Prints the addresses of its argument by getaddrinfo, sorted by the C library, or its error. */
#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>

int main(int argc, char **argv) {
  struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *list;
  if (argc != 2) return 2;
  int error = getaddrinfo(argv[1], NULL, &hints, &list);
  if (error != 0) {
    printf("error: %s\n", gai_strerror(error));
    return 1;
  }
  for (struct addrinfo *each = list; each != NULL; each = each->ai_next) {
    char text[INET6_ADDRSTRLEN];
    const void *address = each->ai_family == AF_INET ? (const void *)&((struct sockaddr_in *)each->ai_addr)->sin_addr
                                                     : (const void *)&((struct sockaddr_in6 *)each->ai_addr)->sin6_addr;
    printf("%s\n", inet_ntop(each->ai_family, address, text, sizeof text));
  }
  freeaddrinfo(list);
  return 0;
}
