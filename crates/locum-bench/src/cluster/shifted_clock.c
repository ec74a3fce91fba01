// Preloaded into a node, its clock is off by the seconds in CLOCK_SHIFT. Debian's libfaketime ends a program with mimalloc at
// its start: it allocates while the allocator asks it for the time.
#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int clock_gettime(clockid_t clock, struct timespec *time) {
  long failed = syscall(SYS_clock_gettime, clock, time);
  const char *shift = getenv("CLOCK_SHIFT");
  if (!failed && shift && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
    time->tv_sec += atoi(shift);
  return (int)failed;
}
