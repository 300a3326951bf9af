/* A child's ends are polled by one function; each wait has an end. */
#include "harness.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "sandbox.h"
#include "unix.h"
#include "base/os.h"

extern char **environ;

#define ENV_MAX 64
#define LIMITS_MAX 4
#define SECOND 1000000
#define UNDER_TIMES 10 /* the time that things take under CIO_UNDER */
#define TICK_MS 2      /* how often a child is looked at */

struct limit {
	int resource;
	uint64_t most;
};

struct harness_child {
	struct harness *h;
	struct harness_run run;
	pid_t pid;
	int64_t began, until;
	int in, out, err, terminal; /* the test's ends; -1: none */
	struct buf feed, texts[3];  /* feed: for its standard input; out, err, screen */
	size_t fed;
	bool ended;
	struct harness_child *next;
};

struct harness {
	char *dir, *program;
	char *under; /* CIO_UNDER, for a program of $BUILD; or NULL */
	struct {
		char *name, *value;
	} env[ENV_MAX];
	size_t env_count;
	struct limit limits[LIMITS_MAX];
	size_t limit_count;
	double timeout;
	/* for the next run */
	struct buf feed;
	bool feeds;
	int in_fd, out_fd;
	unsigned columns, rows;
	struct harness_child *children;
	char **paths; /* handed out by harness_path */
	size_t path_count;
};

#define MUST(cond) ck_assert_msg(cond, "harness: %s: %s", #cond, strerror(errno))

/* --- the directory and its files --- */

const char *harness_dir(const struct harness *h)
{
	return h->dir;
}

const char *harness_path(struct harness *h, const char *name)
{
	struct buf path;

	buf_init(&path, BUF_UNBOUNDED);
	if (*name != '/')
		buf_fmt(&path, "%s/", h->dir);
	buf_str(&path, name);
	h->paths = xrealloc(h->paths, (h->path_count + 1) * sizeof *h->paths);
	h->paths[h->path_count] = xstrndup(path.data, path.len);
	buf_free(&path);
	return h->paths[h->path_count++];
}

void harness_write(struct harness *h, const char *name, const void *data, size_t len)
{
	FILE *f = fopen(harness_path(h, name), "we");

	MUST(f != NULL);
	MUST(fwrite(data, 1, len, f) == len);
	MUST(fclose(f) == 0);
}

void harness_write_text(struct harness *h, const char *name, const char *text)
{
	harness_write(h, name, text, strlen(text));
}

char *harness_read(struct harness *h, const char *name, size_t *len)
{
	FILE *f = fopen(harness_path(h, name), "re");
	struct buf all;

	if (!f)
		return NULL;
	buf_init(&all, BUF_UNBOUNDED);
	for (size_t n = 1; n > 0; all.len += n)
		n = fread(buf_room(&all, 65536), 1, 65536, f);
	fclose(f);
	if (len)
		*len = all.len;
	buf_byte(&all, '\0');
	return all.data;
}

bool harness_exists(struct harness *h, const char *name)
{
	struct stat st;
	return lstat(harness_path(h, name), &st) == 0;
}

static void remove_tree(const char *dir)
{
	DIR *d = opendir(dir);
	const struct dirent *e;

	if (!d)
		return;
	while ((e = readdir(d))) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		struct stat st;
		if (fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		    S_ISDIR(st.st_mode)) {
			struct buf path;
			buf_init(&path, BUF_UNBOUNDED);
			buf_fmt(&path, "%s/%s", dir, e->d_name);
			buf_byte(&path, '\0');
			remove_tree(path.data);
			buf_free(&path);
		} else {
			unlinkat(dirfd(d), e->d_name, 0);
		}
	}
	closedir(d);
	rmdir(dir);
}

/* --- CIO_UNDER --- */

bool harness_is_under(void)
{
	return getenv("CIO_UNDER") != NULL;
}

int harness_soon(void)
{
	return 20000 * (harness_is_under() ? UNDER_TIMES : 1);
}

/* --- what the runs get --- */

void harness_env(struct harness *h, const char *name, const char *value)
{
	size_t i = 0;

	while (i < h->env_count && strcmp(h->env[i].name, name) != 0)
		i++;
	ck_assert_msg(i < ENV_MAX - 1, "harness: more than %d environment variables", ENV_MAX - 1);
	if (i == h->env_count) {
		h->env[h->env_count].name = xstrdup(name);
		h->env[h->env_count++].value = NULL;
	}
	free(h->env[i].value);
	h->env[i].value = value ? xstrdup(value) : NULL;
}

void harness_program(struct harness *h, const char *path)
{
	struct buf full;
	const char *build = getenv("BUILD");

	buf_init(&full, BUF_UNBOUNDED);
	if (!strchr(path, '/'))
		buf_fmt(&full, "%s/", build ? build : "build");
	buf_str(&full, path);
	free(h->program);
	h->program = xstrndup(full.data, full.len);
	buf_free(&full);
	free(h->under);
	h->under = !strchr(path, '/') && harness_is_under() ? xstrdup(getenv("CIO_UNDER")) : NULL;
}

void harness_limit(struct harness *h, int resource, uint64_t most)
{
	size_t at = 0;

	while (at < h->limit_count && h->limits[at].resource != resource)
		at++;
	ck_assert_msg(at < LIMITS_MAX, "harness: more than %d limits", LIMITS_MAX);
	h->limits[at] = (struct limit){ resource, most };
	h->limit_count += at == h->limit_count;
}

void harness_timeout(struct harness *h, double seconds)
{
	h->timeout = seconds;
}

void harness_stdin(struct harness *h, const void *data, size_t len)
{
	buf_reset(&h->feed);
	buf_add(&h->feed, data, len);
	h->feeds = true;
}

void harness_stdin_text(struct harness *h, const char *text)
{
	harness_stdin(h, text, strlen(text));
}

void harness_stdin_fd(struct harness *h, int fd)
{
	h->in_fd = fd;
}

void harness_stdout_fd(struct harness *h, int fd)
{
	h->out_fd = fd;
}

void harness_terminal(struct harness *h, unsigned columns, unsigned rows)
{
	h->columns = columns;
	h->rows = rows;
}

static void forget_next_run(struct harness *h)
{
	h->feeds = false;
	h->in_fd = h->out_fd = -1;
	h->columns = h->rows = 0;
}

struct harness *harness_new(const struct sandbox *s)
{
	static const char *const passed[] = { "PATH", "ASAN_OPTIONS", "UBSAN_OPTIONS",
		"LSAN_OPTIONS", "LLVM_PROFILE_FILE", "GCOV_PREFIX", "GCOV_PREFIX_STRIP" };
	struct harness *h = xcalloc(1, sizeof *h);
	const char *tmp = getenv("TMPDIR");
	struct buf dir;

	signal(SIGPIPE, SIG_IGN); /* a program that ends early closes its standard input */
	buf_init(&dir, BUF_UNBOUNDED);
	buf_fmt(&dir, "%s/cio-import-test.XXXXXX", tmp ? tmp : "/tmp");
	buf_byte(&dir, '\0');
	MUST(mkdtemp(dir.data) != NULL);
	h->dir = dir.data;
	h->timeout = 60;
	buf_init(&h->feed, BUF_UNBOUNDED);
	forget_next_run(h);
	harness_program(h, "cio-import");
	for (size_t i = 0; i < sizeof passed / sizeof *passed; i++)
		harness_env(h, passed[i], getenv(passed[i]));
	harness_env(h, "HOME", h->dir);
	harness_env(h, "TMPDIR", h->dir);
	if (s) {
		harness_env(h, "CUSTOMERIO_SITE_ID", "sandbox");
		harness_env(h, "CUSTOMERIO_TRACK_API_KEY", "sandbox");
		harness_env(h, "CUSTOMERIO_APP_API_KEY", "sandbox");
		harness_env(h, "CUSTOMERIO_URL", sandbox_url(s));
	}
	return h;
}

/* --- starting --- */

struct ends {
	int in, out, err;
}; /* the program's */

static void make_pipe(int *reader, int *writer)
{
	int fds[2];

	MUST(os_pipe(fds, false) == 0);
	*reader = fds[0];
	*writer = fds[1];
}

static void keep_nonblocking(int fd)
{
	if (fd >= 0)
		MUST(fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) == 0);
}

static struct ends connect_ends(struct harness *h, struct harness_child *c)
{
	struct ends e = { -1, -1, -1 };
	int slave = -1;

	if (h->columns) {
		MUST(unix_terminal(&c->terminal, &slave, (unsigned short)h->columns,
		         (unsigned short)h->rows) == 0);
		MUST(fcntl(c->terminal, F_SETFD, FD_CLOEXEC) == 0 &&
		    fcntl(slave, F_SETFD, FD_CLOEXEC) == 0);
	}
	if (h->feeds) {
		make_pipe(&e.in, &c->in);
		buf_add(&c->feed, h->feed.data, h->feed.len);
	} else if (h->in_fd >= 0 || slave >= 0) {
		MUST((e.in = fcntl(h->in_fd >= 0 ? h->in_fd : slave, F_DUPFD_CLOEXEC, 3)) >= 0);
	} else {
		MUST((e.in = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0);
	}
	if (h->out_fd >= 0 || slave >= 0)
		MUST((e.out = fcntl(h->out_fd >= 0 ? h->out_fd : slave, F_DUPFD_CLOEXEC, 3)) >= 0);
	else
		make_pipe(&c->out, &e.out);
	if (slave >= 0)
		e.err = slave;
	else
		make_pipe(&c->err, &e.err);
	keep_nonblocking(c->in);
	keep_nonblocking(c->out);
	keep_nonblocking(c->err);
	keep_nonblocking(c->terminal);
	return e;
}

/* Its name from anywhere: the child changes its directory. */
static void find_program(struct harness *h)
{
	char *full = realpath(h->program, NULL);

	ck_assert_msg(full != NULL, "harness: %s: %s: build it first, or set BUILD", h->program,
	    strerror(errno));
	free(h->program);
	h->program = full;
}

/* In the child, before the program: only calls that are safe there. */
static void become(const struct harness *h, const struct ends *e, char *const argv[], char **env)
{
	/* a test that fails leaves nothing running */
	if (unix_end_with_parent() < 0)
		_exit(126);
	if (h->columns && (setsid() < 0 || ioctl(e->err, TIOCSCTTY, 0) < 0))
		_exit(126);
	for (size_t i = 0; i < h->limit_count; i++) {
		struct rlimit limit = { h->limits[i].most, h->limits[i].most };
		if (setrlimit(h->limits[i].resource, &limit) < 0)
			_exit(126);
	}
	signal(SIGPIPE, SIG_DFL);
	if (chdir(h->dir) < 0 || dup2(e->in, 0) < 0 || dup2(e->out, 1) < 0 || dup2(e->err, 2) < 0)
		_exit(126);
	environ = env;
	execvp(argv[0], argv);
	_exit(127);
}

static char **make_env(const struct harness *h)
{
	char **env = xcalloc(ENV_MAX + 1, sizeof *env);
	size_t n = 0;

	for (size_t i = 0; i < h->env_count; i++) {
		if (!h->env[i].value)
			continue;
		struct buf line;
		buf_init(&line, BUF_UNBOUNDED);
		buf_fmt(&line, "%s=%s", h->env[i].name, h->env[i].value);
		buf_byte(&line, '\0');
		env[n++] = line.data;
	}
	return env;
}

static void free_env(char **env)
{
	for (size_t i = 0; env[i]; i++)
		free(env[i]);
	free(env);
}

/* What it is run under, the program, its arguments. The words of `under` are cut apart in place. */
static char **make_argv(const struct harness *h, char *under, const char *const args[])
{
	size_t n = 0, room = 2;

	while (args[n])
		n++;
	for (const char *p = under; p && *p; p++)
		room += *p == ' ';
	char **argv = xcalloc(n + room + 1, sizeof *argv);
	n = 0;
	for (char *word = under ? strtok(under, " ") : NULL; word; word = strtok(NULL, " "))
		argv[n++] = word;
	argv[n++] = h->program;
	for (size_t i = 0; args[i]; i++)
		argv[n++] = (char *)args[i];
	return argv;
}

static void close_end(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

struct harness_child *harness_start(struct harness *h, const char *const args[])
{
	struct harness_child *c = xcalloc(1, sizeof *c);

	c->h = h;
	c->in = c->out = c->err = c->terminal = -1;
	c->run.status = -1;
	buf_init(&c->feed, BUF_UNBOUNDED);
	for (size_t i = 0; i < 3; i++)
		buf_init(&c->texts[i], BUF_UNBOUNDED);
	c->next = h->children;
	h->children = c;
	find_program(h);
	struct ends e = connect_ends(h, c);
	char *under = h->under ? xstrdup(h->under) : NULL;
	char **argv = make_argv(h, under, args), **env = make_env(h);
	c->began = clock_now();
	c->until = c->began + (int64_t)(h->timeout * SECOND) * (h->under ? UNDER_TIMES : 1);
	c->pid = fork();
	if (c->pid == 0)
		become(h, &e, argv, env);
	MUST(c->pid > 0);
	free(argv);
	free(under);
	free_env(env);
	close_end(&e.in);
	close_end(&e.out);
	close_end(&e.err);
	forget_next_run(h);
	return c;
}

/* --- running --- */

static void feed(struct harness_child *c)
{
	while (c->in >= 0) {
		ssize_t n = c->fed < c->feed.len ?
		    write(c->in, c->feed.data + c->fed, c->feed.len - c->fed) :
		    -1;
		if (n < 0 && c->fed < c->feed.len && (errno == EAGAIN || errno == EINTR))
			return;
		if (n < 0)
			close_end(&c->in);
		else
			c->fed += (size_t)n;
	}
}

static void drain(int *fd, struct buf *into)
{
	while (*fd >= 0) {
		ssize_t n = read(*fd, buf_room(into, 65536), 65536);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n <= 0) /* a terminal whose other end is closed says EIO */
			close_end(fd);
		else
			into->len += (size_t)n;
	}
}

static void drain_all(struct harness_child *c)
{
	drain(&c->out, &c->texts[0]);
	drain(&c->err, &c->texts[1]);
	drain(&c->terminal, &c->texts[2]);
}

static void note_end(struct harness_child *c, int status, const struct rusage *usage)
{
	c->ended = true;
	c->run.status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
	c->run.seconds = (double)(clock_now() - c->began) / SECOND;
	c->run.max_rss_kib = usage->ru_maxrss;
	c->run.cpu_seconds = (double)(usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) +
	    (double)(usage->ru_utime.tv_usec + usage->ru_stime.tv_usec) / SECOND;
	/* what it wrote is there; a grandchild that lives on keeps nobody waiting */
	drain_all(c);
	close_end(&c->in);
	close_end(&c->out);
	close_end(&c->err);
	close_end(&c->terminal);
}

/* One look: feeds it, takes what it says, and notes its end. Waits up to TICK_MS where nothing
 * happens. */
static void attend(struct harness_child *c)
{
	struct pollfd fds[] = { { .fd = c->out, .events = POLLIN },
		{ .fd = c->err, .events = POLLIN }, { .fd = c->terminal, .events = POLLIN },
		{ .fd = c->in, .events = POLLOUT } };
	struct rusage usage;
	int status;

	if (c->ended)
		return;
	poll(fds, 4, TICK_MS);
	feed(c);
	drain_all(c);
	pid_t done = unix_wait(c->pid, &status, WNOHANG, &usage);
	MUST(done >= 0);
	if (done == c->pid) {
		note_end(c, status, &usage);
	} else if (clock_now() > c->until && !c->run.timed_out) {
		c->run.timed_out = true;
		kill(c->pid, SIGKILL);
	}
}

static struct harness_run *texts_so_far(struct harness_child *c)
{
	for (size_t i = 0; i < 3; i++) {
		struct buf *b = &c->texts[i];
		*buf_room(b, 1) = '\0';
	}
	c->run.out = c->texts[0].data;
	c->run.err = c->texts[1].data;
	c->run.screen = c->texts[2].data;
	c->run.out_len = c->texts[0].len;
	c->run.err_len = c->texts[1].len;
	c->run.screen_len = c->texts[2].len;
	return &c->run;
}

const struct harness_run *harness_peek(struct harness_child *c)
{
	attend(c);
	return texts_so_far(c);
}

bool harness_wait_for(struct harness_child *c, const char *text, int timeout_ms)
{
	int64_t until = clock_now() + (int64_t)timeout_ms * 1000;

	for (;;) {
		bool last = c->ended || clock_now() > until;
		const struct harness_run *run = harness_peek(c);
		if (harness_has(run->err, text) || harness_has(run->screen, text))
			return true;
		if (last)
			return false;
	}
}

const struct harness_run *harness_finish(struct harness_child *c)
{
	while (!c->ended)
		attend(c);
	const struct harness_run *run = texts_so_far(c);
	ck_assert_msg(!run->timed_out, "it still ran after %.0f s and was killed%s", run->seconds,
	    harness_show(run));
	return run;
}

const struct harness_run *harness_run(struct harness *h, const char *const args[])
{
	return harness_finish(harness_start(h, args));
}

pid_t harness_pid(const struct harness_child *c)
{
	return c->pid;
}

void harness_signal(struct harness_child *c, int sig)
{
	if (!c->ended)
		MUST(kill(c->pid, sig) == 0);
}

void harness_resize(struct harness_child *c, unsigned columns, unsigned rows)
{
	struct winsize size = { .ws_col = (unsigned short)columns, .ws_row = (unsigned short)rows };
	MUST(ioctl(c->terminal, TIOCSWINSZ, &size) == 0);
}

void harness_type(struct harness_child *c, const char *text)
{
	MUST(write(c->terminal, text, strlen(text)) == (ssize_t)strlen(text));
}

static void child_free(struct harness_child *c)
{
	if (!c->ended) {
		kill(c->pid, SIGKILL);
		waitpid(c->pid, NULL, 0);
		close_end(&c->in);
		close_end(&c->out);
		close_end(&c->err);
		close_end(&c->terminal);
	}
	buf_free(&c->feed);
	for (size_t i = 0; i < 3; i++)
		buf_free(&c->texts[i]);
	free(c);
}

void harness_free(struct harness *h)
{
	if (!h)
		return;
	for (struct harness_child *c = h->children, *next; c; c = next) {
		next = c->next;
		child_free(c);
	}
	remove_tree(h->dir);
	for (size_t i = 0; i < h->path_count; i++)
		free(h->paths[i]);
	for (size_t i = 0; i < h->env_count; i++) {
		free(h->env[i].name);
		free(h->env[i].value);
	}
	buf_free(&h->feed);
	free(h->paths);
	free(h->program);
	free(h->under);
	free(h->dir);
	free(h);
}

/* --- for assertions --- */

bool harness_has(const char *text, const char *part)
{
	return strstr(text, part) != NULL;
}

bool harness_same(const char *text, size_t len, const char *want)
{
	return len == strlen(want) && memcmp(text, want, len) == 0;
}

const char *harness_show(const struct harness_run *run)
{
	struct buf b;

	buf_init(&b, BUF_UNBOUNDED);
	buf_fmt(&b, "\nexit status %d after %.3f s%s\n", run->status, run->seconds,
	    run->timed_out ? " (timed out)" : "");
	buf_fmt(&b, "--- standard output\n%.4000s\n--- standard error\n%.4000s\n", run->out,
	    run->err);
	if (run->screen_len)
		buf_fmt(&b, "--- screen\n%.4000s\n", run->screen);
	buf_byte(&b, '\0');
	return b.data; /* a message for a test that ends now */
}

char *harness_line(const char *text, size_t n)
{
	for (; n > 0 && text; n--) {
		text = strchr(text, '\n');
		text = text ? text + 1 : NULL;
	}
	return text && *text ? xstrndup(text, strcspn(text, "\n")) : NULL;
}

size_t harness_count_lines(const char *text, const char *part)
{
	size_t count = 0, part_len = strlen(part);

	while (*text) {
		size_t len = strcspn(text, "\n");
		count += part_len == 0 || os_find(text, len, part, part_len) != NULL;
		text += len + (text[len] == '\n');
	}
	return count;
}
