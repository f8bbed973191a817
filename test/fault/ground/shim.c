/* Preloaded into a node: shifts its wall clock, and delays or fails its writes and syncs of files, as the file named by FAULT_SHIM says at the moment.
 * That file is mapped, so that a fault begins and ends between two calls. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

struct control {
  volatile int64_t wall_offset_ms;
  volatile int32_t write_delay_us, sync_delay_us;
  volatile int32_t write_errno, sync_errno;
};

static struct control none;
static struct control *control = &none;

__attribute__((constructor)) static void attach(void) {
  const char *path = getenv("FAULT_SHIM");
  int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
  if (fd < 0) return;
  void *mapped = mmap(NULL, sizeof(struct control), PROT_READ, MAP_SHARED, fd, 0);
  if (mapped != MAP_FAILED) control = mapped;
  close(fd);
}

#define REAL(name) \
  static __typeof__(name) *real; \
  if (!real) real = (__typeof__(name) *)dlsym(RTLD_NEXT, #name)

int clock_gettime(clockid_t clock, struct timespec *at) {
  REAL(clock_gettime);
  int failed = real(clock, at);
  if (!failed && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) at->tv_sec += control->wall_offset_ms / 1000;
  return failed;
}

int gettimeofday(struct timeval *at, void *zone) {
  static int (*real)(struct timeval *, void *);
  if (!real) real = (int (*)(struct timeval *, void *))dlsym(RTLD_NEXT, "gettimeofday");
  int failed = real(at, zone);
  if (!failed) at->tv_sec += control->wall_offset_ms / 1000;
  return failed;
}

time_t time(time_t *at) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  if (at) *at = now.tv_sec;
  return now.tv_sec;
}

static int is_file(int fd) {
  struct stat status;
  return fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
}

/* Whether the call is to fail, with errno set. */
static int troubled(int fd, int32_t delay_us, int32_t failure) {
  if ((!delay_us && !failure) || !is_file(fd)) return 0;
  if (delay_us) usleep(delay_us);
  if (failure) errno = failure;
  return failure != 0;
}

#define WRITE(result, name, parameters, arguments) \
  result name parameters { \
    REAL(name); \
    return troubled(fd, control->write_delay_us, control->write_errno) ? -1 : real arguments; \
  }
#define SYNC(name) \
  int name(int fd) { \
    REAL(name); \
    return troubled(fd, control->sync_delay_us, control->sync_errno) ? -1 : real(fd); \
  }

WRITE(ssize_t, write, (int fd, const void *bytes, size_t count), (fd, bytes, count))
WRITE(ssize_t, pwrite, (int fd, const void *bytes, size_t count, off_t at), (fd, bytes, count, at))
WRITE(ssize_t, pwrite64, (int fd, const void *bytes, size_t count, off64_t at), (fd, bytes, count, at))
WRITE(ssize_t, writev, (int fd, const struct iovec *parts, int count), (fd, parts, count))
WRITE(ssize_t, pwritev, (int fd, const struct iovec *parts, int count, off_t at), (fd, parts, count, at))
WRITE(ssize_t, pwritev64, (int fd, const struct iovec *parts, int count, off64_t at), (fd, parts, count, at))
SYNC(fsync)
SYNC(fdatasync)
