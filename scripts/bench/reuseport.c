// Lets several processes listen on one port (LD_PRELOAD): the kernel then spreads the connections
// over them, a load balancer that costs nothing. For benchmarks only.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <sys/socket.h>

int bind(int fd, const struct sockaddr *address, socklen_t length) {
    int (*real)(int, const struct sockaddr *, socklen_t) = dlsym(RTLD_NEXT, "bind");
    int on = 1;
    if (address->sa_family == AF_INET) setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
    return real(fd, address, length);
}
