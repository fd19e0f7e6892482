// A disk that obeys a test. It is loaded into a program before the C library (LD_PRELOAD), which writes
// and syncs its files through it, and talks with the test through the folder that TEST_DISK names:
//
//   rule    "hold PATTERN" or "fail PATTERN": what becomes of a sync of a file, or folder, whose path fits
//   seen    a line for each sync: what became of it, and the path
//   dirty   for each file from where on it is not on the disk, as a table of `struct file`
//
// It knows nothing of callpop, and does nothing where there is no TEST_DISK.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { FILES = 1 << 14, PATH = 4096 };
static const uint64_t CLEAN = UINT64_MAX;

// Where the first byte is that no sync has taken, and the first that a sync which is under way takes.
struct file {
  uint64_t device, inode, dirty, syncing;
};

static char folder[PATH / 2];
static struct file *files;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

// The test may look at any time, also when this process was killed: so the table is a file.
__attribute__((constructor)) static void open_folder(void) {
  const char *name = getenv("TEST_DISK");
  if (name == NULL || strlen(name) >= sizeof folder) return;
  char path[PATH];
  snprintf(path, sizeof path, "%s/dirty", name);
  int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0 || ftruncate(fd, FILES * sizeof *files) != 0) abort();
  files = mmap(NULL, FILES * sizeof *files, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (files == MAP_FAILED) abort();
  close(fd);
  strcpy(folder, name);
}

// The entry of a file that is open, which is locked until `let_go`; none for what is no file.
static struct file *hold_of(int fd, struct stat *stat) {
  if (files == NULL || fstat(fd, stat) != 0 || !S_ISREG(stat->st_mode)) return NULL;
  pthread_mutex_lock(&lock);
  for (uint64_t nth = stat->st_ino;; nth++) {
    struct file *file = &files[nth % FILES];
    if (file->inode == 0) *file = (struct file){stat->st_dev, stat->st_ino, CLEAN, CLEAN};
    if (file->inode == stat->st_ino && file->device == stat->st_dev) return file;
    if (nth - stat->st_ino > FILES) abort();
  }
}

static void let_go(void) { pthread_mutex_unlock(&lock); }

static void lower(uint64_t *to, uint64_t from) {
  if (from < *to) *to = from;
}

// To be called before the bytes are written: a kill may come between.
static void dirties(int fd, off_t at) {
  struct stat stat;
  struct file *file = hold_of(fd, &stat);
  if (file == NULL) return;
  if (at < 0) at = fcntl(fd, F_GETFL) & O_APPEND ? stat.st_size : lseek(fd, 0, SEEK_CUR);
  lower(&file->dirty, (uint64_t)at);
  let_go();
}

ssize_t write(int fd, const void *bytes, size_t count) {
  dirties(fd, -1);
  return syscall(SYS_write, fd, bytes, count);
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
  dirties(fd, -1);
  return syscall(SYS_writev, fd, parts, count);
}

ssize_t pwrite64(int fd, const void *bytes, size_t count, off_t at) {
  dirties(fd, at);
  return syscall(SYS_pwrite64, fd, bytes, count, at);
}

ssize_t pwrite(int fd, const void *bytes, size_t count, off_t at) { return pwrite64(fd, bytes, count, at); }

static void note(const char *what, const char *path) {
  char name[PATH], line[PATH + 16];
  snprintf(name, sizeof name, "%s/seen", folder);
  int length = snprintf(line, sizeof line, "%s %s\n", what, path);
  int fd = open(name, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0 || syscall(SYS_write, fd, line, length) != length) abort();
  close(fd);
}

// Whether the rule says so of a path.
static int is_to(const char *what, const char *path) {
  char text[PATH] = "";
  snprintf(text, sizeof text, "%s/rule", folder);
  int fd = open(text, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return 0;
  ssize_t length = read(fd, text, sizeof text - 1);
  close(fd);
  text[length < 0 ? 0 : length] = 0;
  size_t verb = strlen(what);
  return strncmp(text, what, verb) == 0 && text[verb] == ' ' && fnmatch(text + verb + 1, path, 0) == 0;
}

static int as_the_rule_says(const char *path) {
  if (is_to("hold", path)) note("held", path);
  while (is_to("hold", path)) usleep(1000);
  if (!is_to("fail", path)) return 0;
  note("failed", path);
  errno = EIO;
  return -1;
}

static int sync_by(long call, int fd) {
  if (files == NULL) return syscall(call, fd);
  char link[64], path[PATH];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, sizeof path - 1);
  path[length < 0 ? 0 : length] = 0;

  struct stat stat;
  struct file *file = hold_of(fd, &stat);
  if (file != NULL) {
    lower(&file->syncing, file->dirty);
    file->dirty = CLEAN;
    let_go();
  }
  int went = as_the_rule_says(path);
  if (went == 0) went = syscall(call, fd);
  int error = errno;
  file = hold_of(fd, &stat);
  if (file != NULL) {
    if (went != 0) lower(&file->dirty, file->syncing);
    file->syncing = CLEAN;
    let_go();
  }
  if (went == 0) note("synced", path);
  errno = error;
  return went;
}

int fsync(int fd) { return sync_by(SYS_fsync, fd); }

int fdatasync(int fd) { return sync_by(SYS_fdatasync, fd); }
