/* Makes chosen system calls on chosen files fail, wait, or kill their process halfway, and moves the wall clock. Loaded
 * by LD_PRELOAD; what to do is read at each call from a small file in shared memory, which the campaign writes.
 *
 * Nothing happens while `mode` is 0, and never to a file whose path does not hold `path`. The monotonic clock is left
 * alone, as a real jump leaves it; libfaketime's way of doing so makes Python's `time.sleep` fail with EINVAL. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum { MODE_NONE, MODE_EIO, MODE_ENOSPC, MODE_SLOW, MODE_TORN };
enum { CALL_SYNC = 1, CALL_WRITE = 2 };

struct control {
    volatile uint32_t mode;
    volatile uint32_t calls;      /* bits of CALL_ */
    volatile int32_t left;        /* how many calls are still hit; negative: all */
    volatile uint32_t latency_us; /* of MODE_SLOW */
    volatile uint32_t hits;       /* how many were hit */
    volatile int32_t clock_s;     /* how far the wall clock has jumped */
    char path[232];
};

static struct control *control;

__attribute__((constructor)) static void begin(void) {
    const char *name = getenv("OSTIARY_FAULTS_CONTROL");
    int file = name ? open(name, O_RDWR | O_CLOEXEC) : -1;
    if (file < 0) return;
    void *found = mmap(NULL, sizeof(struct control), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    close(file);
    if (found != MAP_FAILED) control = found;
}

/* Return the mode that this call is hit by. */
static uint32_t hit(int file, uint32_t call) {
    char link[64], path[512];
    if (!control || control->mode == MODE_NONE || !(control->calls & call)) return MODE_NONE;
    int before = errno;
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t size = readlink(link, path, sizeof path - 1);
    errno = before;
    if (size < 0) return MODE_NONE;
    path[size] = 0;
    if (!strstr(path, control->path)) return MODE_NONE;
    int32_t left = control->left;
    if (left == 0) return MODE_NONE;
    if (left > 0) __atomic_fetch_sub(&control->left, 1, __ATOMIC_SEQ_CST);
    __atomic_fetch_add(&control->hits, 1, __ATOMIC_SEQ_CST);
    return control->mode;
}

/* Return -1 when the call has failed, 0 when it is to be made. */
static int struck(int file, uint32_t call) {
    switch (hit(file, call)) {
    case MODE_EIO: errno = EIO; return -1;
    case MODE_ENOSPC: errno = ENOSPC; return -1;
    case MODE_SLOW: usleep(control->latency_us); return 0;
    case MODE_TORN: return 1;
    default: return 0;
    }
}

#define REAL(name, ...) \
    static __typeof__(&name) real; \
    if (!real) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

int fsync(int file) {
    REAL(fsync);
    int result = struck(file, CALL_SYNC);
    if (result > 0) _exit(137);
    return result < 0 ? -1 : real(file);
}

int fdatasync(int file) {
    REAL(fdatasync);
    int result = struck(file, CALL_SYNC);
    if (result > 0) _exit(137);
    return result < 0 ? -1 : real(file);
}

ssize_t write(int file, const void *from, size_t size) {
    REAL(write);
    int result = struck(file, CALL_WRITE);
    if (result > 0) {
        if (real(file, from, size / 2) >= 0) _exit(137);
    }
    return result < 0 ? -1 : real(file, from, size);
}

ssize_t pwrite(int file, const void *from, size_t size, off_t at) {
    REAL(pwrite);
    int result = struck(file, CALL_WRITE);
    if (result > 0) {
        if (real(file, from, size / 2, at) >= 0) _exit(137);
    }
    return result < 0 ? -1 : real(file, from, size, at);
}

ssize_t pwrite64(int file, const void *from, size_t size, off64_t at) {
    REAL(pwrite64);
    int result = struck(file, CALL_WRITE);
    if (result > 0) {
        if (real(file, from, size / 2, at) >= 0) _exit(137);
    }
    return result < 0 ? -1 : real(file, from, size, at);
}

int clock_gettime(clockid_t clock, struct timespec *now) {
    static __typeof__(&clock_gettime) real; /* the one that asks the kernel's page, no system call */
    if (!real) real = (__typeof__(&clock_gettime))dlsym(RTLD_NEXT, "clock_gettime");
    int result = real(clock, now);
    if (control && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) now->tv_sec += control->clock_s;
    return result;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    struct timespec exact;
    (void)zone;
    int result = clock_gettime(CLOCK_REALTIME, &exact);
    now->tv_sec = exact.tv_sec;
    now->tv_usec = exact.tv_nsec / 1000;
    return result;
}

time_t time(time_t *told) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (told) *told = now.tv_sec;
    return now.tv_sec;
}
