/* Output files: made, continued, cut, set aside, and failing. */
#include "store/outfile.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>
#include "dice.h"
#include "harness.h"
#include "base/log.h"
#include "unix.h"

Suite *outfile_suite(void);

static struct harness *h;
static struct reason why;
static struct buf said;

static void setup(void)
{
	h = harness_new(NULL);
	why.text[0] = '\0';
	said = (struct buf){ .max = BUF_UNBOUNDED };
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	umask(0);
}

static void teardown(void)
{
	buf_free(&said);
	harness_free(h);
}

static void assert_reason(const char *part)
{
	ck_assert_msg(strstr(why.text, part) != NULL, "\"%s\" lacks \"%s\"", why.text, part);
}

static mode_t mode_of(const char *name)
{
	struct stat st;

	ck_assert_int_eq(lstat(harness_path(h, name), &st), 0);
	return st.st_mode;
}

static void assert_file(const char *name, const char *text)
{
	if (text)
		harness_assert_file_is(h, name, text);
	else
		ck_assert_msg(!harness_exists(h, name), "%s is there", name);
}

static void finish(struct outfile *f, const char *text)
{
	ck_assert_msg(outfile_add(f, text, strlen(text), &why) == 0, "%s", why.text);
	ck_assert_msg(outfile_sync(f, &why) == 0, "%s", why.text);
	ck_assert_msg(outfile_close(f, &why) == 0, "%s", why.text);
	ck_assert_int_eq(f->fd, -1);
	ck_assert_int_eq(outfile_close(f, &why), 0);
}

START_TEST(creates)
{
	struct outfile f;

	ck_assert_msg(outfile_create(&f, harness_path(h, "out"), OUTFILE_REGULAR, NULL, &why) == 0,
	    "%s", why.text);
	ck_assert_uint_eq(mode_of("out"), S_IFREG | 0600);
	ck_assert(f.seekable);
	ck_assert_int_eq(fcntl(f.fd, F_GETFD), FD_CLOEXEC);
	finish(&f, "new\n");
	ck_assert_int_eq(f.size, 4);
	assert_file("out", "new\n");
	assert_file("out~", NULL);
}
END_TEST

static void assert_said(const char *text)
{
	ck_assert_uint_eq(said.len, strlen(text));
	ck_assert(said.len == 0 || memcmp(said.data, text, said.len) == 0);
	buf_reset(&said);
}

/* What was set aside stays: nothing is written over, a directory of that name neither. */
START_TEST(keeps_older_files)
{
	static const char *const asides[] = { "out~", "out.~3~", "out.~4~" };
	struct outfile f;
	char want[1000];

	ck_assert_int_eq(mkdir(harness_path(h, "out.~2~"), 0700), 0);
	for (int round = 0; round < 4; round++) {
		char text[] = "round 0\n";
		text[6] = (char)('0' + round);
		ck_assert_int_eq(outfile_create(&f, harness_path(h, "out"), OUTFILE_ANY, &said,
		                     &why),
		    0);
		finish(&f, text);
		snprintf(want, sizeof want, "%s: is not what this run wrote: it is kept as %s\n",
		    harness_path(h, "out"), harness_path(h, asides[round ? round - 1 : 0]));
		assert_said(round ? want : "");
	}
	assert_file("out", "round 3\n");
	assert_file("out~", "round 0\n");
	assert_file("out.~3~", "round 1\n");
	assert_file("out.~4~", "round 2\n");
	ck_assert_int_eq(outfile_set_aside(harness_path(h, "out"), NULL, &why), 0);
	assert_file("out", NULL);
	assert_file("out.~5~", "round 3\n");
	ck_assert_int_eq(outfile_set_aside(harness_path(h, "out"), &said, &why), 0);
	assert_said("");
}
END_TEST

static uint64_t inode_of(const char *name)
{
	struct stat st;

	return stat(harness_path(h, name), &st) == 0 ? st.st_ino : 1;
}

static struct outfile_mark mark_of(const char *name, const char *text)
{
	size_t n = strlen(text);

	return (struct outfile_mark){ (int64_t)n, outfile_sum(0, text, n), inode_of(name) };
}

#define OURS "{out}: another run had set it aside: it is taken back from {out}"
#define KEPT "{out}: is not what this run wrote: it is kept as {out}"
#define GONE "{out}: what this run wrote there is gone: it is begun anew\n"

/* What is there, what the run had written (NULL: nothing), what is there after "more\n" was added;
 * and what was said. `place`: which of them is the file that it was written to; 3: none. */
static const struct {
	const char *was[3], *mark, *then[3], *said;
	int place;
} continuations[] = {
	{ { NULL }, NULL, { "more\n" }, "", 0 },
	{ { NULL }, "a\n", { "more\n" }, GONE, 0 },
	{ { "" }, NULL, { "more\n" }, "", 0 },
	{ { "" }, "a\n", { "more\n" }, GONE, 0 },
	{ { "a\nb\n" }, "a\nb\n", { "a\nb\nmore\n" }, "", 0 },
	/* b belongs to a record that is sent again */
	{ { "a\nb\n" }, "a\n", { "a\nmore\n" }, "", 0 },
	{ { "a\nb\ncut sho" }, "a\nb\n", { "a\nb\nmore\n" }, "", 0 },
	{ { "\n" }, "\n", { "\nmore\n" }, "", 0 },
	/* another's, however like it is to ours */
	{ { "a\nb\n" }, NULL, { "more\n", "a\nb\n" }, KEPT "~\n", 0 },
	{ { "a\nb\n" }, "a\nb\nc\n", { "more\n", "a\nb\n" }, KEPT "~\n" GONE, 0 },
	{ { "a\nB\nc\n" }, "a\nb\n", { "more\n", "a\nB\nc\n" }, KEPT "~\n" GONE, 0 },
	{ { "x\n", "old\n" }, "a\n", { "more\n", "old\n", "x\n" }, KEPT ".~2~\n" GONE, 0 },
	/* ours, which another run set aside */
	{ { NULL, "a\nb\n" }, "a\n", { "a\nmore\n" }, OURS "~\n", 1 },
	{ { "", "a\nb\n" }, "a\n", { "a\nmore\n" }, OURS "~\n", 1 },
	{ { "x\n", "a\n" }, "a\n", { "a\nmore\n", NULL, "x\n" }, KEPT ".~2~\n" OURS "~\n", 1 },
	{ { NULL, "x\n", "a\n" }, "a\n", { "a\nmore\n", "x\n" }, OURS ".~2~\n", 2 },
	/* that run rejected the same */
	{ { "a\n", "a\n" }, "a\n", { "a\nmore\n", NULL, "a\n" }, KEPT ".~2~\n" OURS "~\n", 1 },
	{ { "a\nb\n", "a\n" }, "a\n", { "a\nmore\n", NULL, "a\nb\n" }, KEPT ".~2~\n" OURS "~\n",
	    1 },
	{ { "a\n", "a\n", "a\n" }, "a\n", { "a\nmore\n", "a\n" }, KEPT ".~3~\n" OURS ".~2~\n", 2 },
	/* moved to another disk */
	{ { "a\n" }, "a\n", { "a\nmore\n" }, "", 3 },
	{ { "a\n", "a\n" }, "a\n", { "a\nmore\n", "a\n" }, "", 3 },
	{ { NULL, "a\n" }, "a\n", { "a\nmore\n" }, OURS "~\n", 3 },
	{ { "a\nb\n" }, "a\n", { "more\n", "a\nb\n" }, KEPT "~\n" GONE, 3 },
};

static const char *const places[] = { "out", "out~", "out.~2~", "elsewhere" };

static void assert_said_of_out(const char *text)
{
	struct buf want = { .max = 10000 };

	for (const char *p = text; *p;) {
		bool out = strncmp(p, "{out}", 5) == 0;
		buf_add(&want, out ? harness_path(h, "out") : p,
		    out ? strlen(harness_path(h, "out")) : 1);
		p += out ? 5 : 1;
	}
	buf_byte(&want, '\0');
	assert_said(want.data);
	buf_free(&want);
}

START_TEST(continues)
{
	const char *mark = continuations[_i].mark;
	struct outfile f;

	for (int i = 0; i < 3; i++)
		if (continuations[_i].was[i]) {
			harness_write_text(h, places[i], continuations[_i].was[i]);
			ck_assert_int_eq(chmod(harness_path(h, places[i]), 0600), 0);
		}
	struct outfile_mark marked = mark_of(places[continuations[_i].place], mark ? mark : "");
	ck_assert_msg(outfile_continue(&f, harness_path(h, "out"), OUTFILE_REGULAR, &marked, &said,
	                  &why) == 0,
	    "%s", why.text);
	assert_said_of_out(continuations[_i].said);
	ck_assert_int_eq(f.size, (int64_t)strlen(continuations[_i].then[0]) - 5);
	finish(&f, "more\n");
	struct outfile_mark at = outfile_mark(&f), want = mark_of("out", continuations[_i].then[0]);
	ck_assert(at.size == want.size && at.sum == want.sum && at.inode == want.inode);
	for (int i = 0; i < 3; i++)
		assert_file(places[i], continuations[_i].then[i]);
}
END_TEST

/* An empty file that others can read is no place for people's data. */
START_TEST(sets_an_empty_file_of_others_aside)
{
	struct outfile f;

	harness_write_text(h, "out", "");
	ck_assert_int_eq(chmod(harness_path(h, "out"), 0644), 0);
	ck_assert_int_eq(outfile_continue(&f, harness_path(h, "out"), OUTFILE_REGULAR,
	                     &(struct outfile_mark){ 0 }, NULL, &why),
	    0);
	finish(&f, "x\n");
	ck_assert_uint_eq(mode_of("out"), S_IFREG | 0600);
	assert_file("out~", "");
}
END_TEST

/* Whatever is behind what is marked, and in whichever pieces it is read. */
START_TEST(knows_long_files_again)
{
	static const size_t sizes[] = { 65535, 65536, 65537, 200000 };
	char *text = malloc(300000);

	memset(text, 'x', 300000);
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
		for (int changed = 0; changed < 2; changed++) {
			struct outfile_mark mark = { (int64_t)sizes[i],
				outfile_sum(0, text, sizes[i]), 0 };
			struct outfile f;
			text[sizes[i] - 1] ^= (char)changed;
			harness_write(h, "out", text, 300000);
			mark.inode = inode_of("out");
			text[sizes[i] - 1] ^= (char)changed;
			ck_assert_int_eq(outfile_continue(&f, harness_path(h, "out"),
			                     OUTFILE_REGULAR, &mark, NULL, &why),
			    0);
			ck_assert_int_eq(f.size, changed ? 0 : (int64_t)sizes[i]);
			ck_assert_int_eq(outfile_close(&f, &why), 0);
		}
	free(text);
}
END_TEST

START_TEST(reopens_what_it_closed)
{
	struct outfile f;

	harness_write_text(h, "out", "a\nb\n");
	struct outfile_mark mark = mark_of("out", "a\n"), longer = mark_of("out", "a\nb\nc\n");
	ck_assert_int_eq(outfile_reopen(&f, harness_path(h, "out"), &longer, &why), -1);
	assert_reason("was changed while");
	ck_assert_int_eq(outfile_reopen(&f, harness_path(h, "out"), &mark, &why), 0);
	finish(&f, "c\n");
	assert_file("out", "a\nc\n");
}
END_TEST

enum door { DOOR_CREATE, DOOR_CONTINUE, DOOR_REPLACE, DOOR_SET_ASIDE, DOORS };

static int enter(enum door door, const char *name, enum outfile_kind kind)
{
	struct outfile f = OUTFILE_CLOSED;
	int result = door == DOOR_CREATE ? outfile_create(&f, name, kind, NULL, &why) :
	    door == DOOR_CONTINUE        ? outfile_continue(&f, name, kind,
	                                       &(struct outfile_mark){ .size = 3, .sum = 3 }, NULL, &why) :
	    door == DOOR_REPLACE         ? outfile_replace(name, "x\n", 2, 0600, &why) :
	                                   outfile_set_aside(name, NULL, &why);

	ck_assert_int_eq(f.fd, -1);
	return result;
}

static const struct {
	enum outfile_kind kind;
	const char *name, *words;
	bool replace_too;
} refusals[] = {
	{ OUTFILE_ANY, "link", "symbolic link", true },
	{ OUTFILE_ANY, "dangling", "symbolic link", true },
	{ OUTFILE_REGULAR, "link", "symbolic link", true },
	{ OUTFILE_ANY, "directory", "is a directory", true },
	{ OUTFILE_REGULAR, "fifo", "not a regular file", false },
	{ OUTFILE_REGULAR, "/dev/null", "not a regular file", false },
	{ OUTFILE_REGULAR, "/dev/stdout", "symbolic link", false },
	{ OUTFILE_ANY, "file/below", "make the directory first", true },
};

START_TEST(refuses)
{
	const char *name = harness_path(h, refusals[_i].name);

	harness_write_text(h, "file", "kept\n");
	ck_assert_int_eq(symlink(harness_path(h, "file"), harness_path(h, "link")), 0);
	ck_assert_int_eq(symlink(harness_path(h, "nothing"), harness_path(h, "dangling")), 0);
	ck_assert_int_eq(mkdir(harness_path(h, "directory"), 0700), 0);
	ck_assert_int_eq(mkfifo(harness_path(h, "fifo"), 0600), 0);
	for (enum door door = 0; door < DOORS; door++) {
		if (door == DOOR_REPLACE && !refusals[_i].replace_too)
			continue;
		why.text[0] = '\0';
		ck_assert_msg(enter(door, name, refusals[_i].kind) == -1, "door %d was open", door);
		assert_reason(name);
		assert_reason(refusals[_i].words);
	}
	assert_file("file", "kept\n");
	assert_file("nothing", NULL);
}
END_TEST

START_TEST(refuses_where_no_directory_is)
{
	for (enum door door = 0; door < DOORS; door++) {
		if (door == DOOR_SET_ASIDE)
			continue; /* nothing is there, so all is well */
		ck_assert_int_eq(enter(door, harness_path(h, "no/out"), OUTFILE_ANY), -1);
		assert_reason("make the directory first");
	}
}
END_TEST

START_TEST(escapes_names)
{
	ck_assert_int_eq(enter(DOOR_CREATE, harness_path(h, "no/\x1b[2J"), OUTFILE_ANY), -1);
	assert_reason("\\x1b[2J");
	ck_assert_ptr_null(strchr(why.text, '\x1b'));
}
END_TEST

/* Reads what comes through fd until its end. */
static void expect_through(int fd, const char *text)
{
	char got[256];
	size_t len = 0;
	ssize_t n;

	while ((n = read(fd, got + len, sizeof got - len)) > 0)
		len += (size_t)n;
	ck_assert_uint_eq(len, strlen(text));
	ck_assert_int_eq(memcmp(got, text, len), 0);
	close(fd);
}

START_TEST(writes_to_streams)
{
	static const char *const names[] = { "-", "/dev/stdout", "/dev/fd/", "/proc/self/fd/",
		"fifo" };
	bool is_fifo = strcmp(names[_i], "fifo") == 0,
	     is_folder = strstr(names[_i], "/fd/") != NULL;
	char name[256];
	struct outfile f;
	int fds[2], kept = dup(STDOUT_FILENO);

	ck_assert_int_eq(pipe(fds), 0);
	ck_assert_int_eq(mkfifo(harness_path(h, "fifo"), 0600), 0);
	int in = open(harness_path(h, "fifo"), O_RDONLY | O_NONBLOCK);
	if (is_folder)
		snprintf(name, sizeof name, "%s%d", names[_i], fds[1]);
	else
		snprintf(name, sizeof name, "%s", is_fifo ? harness_path(h, names[_i]) : names[_i]);
	fflush(stdout);
	dup2(fds[1], STDOUT_FILENO);
	int made = outfile_continue(&f, name, OUTFILE_ANY, &(struct outfile_mark){ .size = 5 },
	    NULL, &why);
	dup2(kept, STDOUT_FILENO);
	close(fds[1]);
	ck_assert_msg(made == 0, "%s", why.text);
	ck_assert(!f.seekable);
	finish(&f, "through\n");
	expect_through(is_fifo ? in : fds[0], "through\n");
}
END_TEST

START_TEST(writes_to_a_device)
{
	struct outfile f;

	ck_assert_int_eq(outfile_create(&f, "/dev/null", OUTFILE_ANY, NULL, &why), 0);
	finish(&f, "gone\n");
	ck_assert_int_eq(outfile_replace("/dev/null", "x", 1, 0600, &why), 0);
	struct stat st;
	ck_assert_int_eq(lstat("/dev/null", &st), 0);
	ck_assert(S_ISCHR(st.st_mode));
}
END_TEST

START_TEST(refuses_a_closed_descriptor)
{
	ck_assert_int_eq(enter(DOOR_CREATE, "/dev/fd/987", OUTFILE_ANY), -1);
	assert_reason("cannot be opened");
}
END_TEST

/* Any pieces add up to the same file. */
START_TEST(adds_pieces_of_any_size)
{
	static const size_t most[] = { 10, 5000, 70000, 300000 };
	struct dice d = dice_new("outfile: pieces");
	size_t total = 0;
	char *text = malloc(1 << 22);
	struct outfile f;

	for (size_t i = 0; i < 1 << 22; i++)
		text[i] = (char)dice_next(&d);
	ck_assert_int_eq(outfile_create(&f, harness_path(h, "out"), OUTFILE_REGULAR, NULL, &why),
	    0);
	for (int i = 0; i < 200; i++) {
		size_t n = (size_t)dice_below(&d, (int64_t)most[dice_below(&d, 4)]);
		if (total + n > 1 << 22)
			break;
		ck_assert_int_eq(outfile_add(&f, text + total, n, &why), 0);
		total += n;
		ck_assert_int_eq(f.size, (int64_t)total);
		if (dice_one_in(&d, 5))
			ck_assert_int_eq(outfile_flush(&f, &why), 0);
	}
	ck_assert_int_eq(outfile_close(&f, &why), 0);
	size_t len;
	char *got = harness_read(h, "out", &len);
	ck_assert_uint_eq(len, total);
	ck_assert_int_eq(memcmp(got, text, len), 0);
	free(got);
	free(text);
}
END_TEST

static void assert_stays_failed(struct outfile *f, const char *words)
{
	assert_reason(words);
	for (int i = 0; i < 4; i++) {
		why.text[0] = '\0';
		ck_assert_int_eq(i == 0 ? outfile_add(f, "x", 1, &why) :
		        i == 1          ? outfile_flush(f, &why) :
		        i == 2          ? outfile_sync(f, &why) :
		                          outfile_close(f, &why),
		    -1);
		assert_reason(words);
	}
	ck_assert_int_eq(f->fd, -1);
}

START_TEST(tells_of_a_full_disk)
{
	struct outfile f;

	ck_assert_int_eq(outfile_create(&f, "/dev/full", OUTFILE_ANY, NULL, &why), 0);
	ck_assert_int_eq(outfile_add(&f, "row\n", 4, &why), 0);
	ck_assert_int_eq(outfile_flush(&f, &why), -1);
	assert_stays_failed(&f,
	    "/dev/full: cannot be written: No space left on device: "
	    "free some and run the same command again");
}
END_TEST

START_TEST(tells_of_a_reader_that_went)
{
	struct outfile f;
	char name[32];
	int fds[2];

	ck_assert_int_eq(pipe(fds), 0);
	snprintf(name, sizeof name, "/dev/fd/%d", fds[1]);
	ck_assert_int_eq(outfile_create(&f, name, OUTFILE_ANY, NULL, &why), 0);
	close(fds[0]);
	ck_assert_int_eq(outfile_add(&f, "row\n", 4, &why), 0);
	ck_assert_int_eq(outfile_sync(&f, &why), -1);
	assert_stays_failed(&f, "cannot be written: Broken pipe: its reader has gone");
}
END_TEST

static void limit_files(rlim_t most)
{
	struct rlimit limit = { .rlim_cur = most, .rlim_max = RLIM_INFINITY };

	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* A file that may only have 10 bytes: the first write is short, the next one fails. */
START_TEST(tells_of_a_short_write)
{
	struct outfile f;
	char big[100000] = "";

	memset(big, 'x', sizeof big);
	ck_assert_int_eq(outfile_create(&f, harness_path(h, "out"), OUTFILE_REGULAR, NULL, &why),
	    0);
	limit_files(10);
	int result = outfile_add(&f, big, _i ? sizeof big : 20, &why);
	ck_assert_int_eq(result, _i ? -1 : 0);
	if (!_i)
		ck_assert_int_eq(outfile_flush(&f, &why), -1);
	limit_files(RLIM_INFINITY);
	ck_assert_int_eq(f.size, _i ? 0 : 20);
	assert_stays_failed(&f, "cannot be written: File too large");
	assert_file("out", "xxxxxxxxxx");
}
END_TEST

static void on_alarm(int sig)
{
	(void)sig;
}

/* Reads everything from fd, slowly, in a process of its own; exits 0 if it is n bytes that count
 * up. */
static pid_t slow_reader(int fd, int other, size_t n)
{
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	close(other);
	unsigned char got[5000];
	size_t len = 0;
	ssize_t r;
	while ((r = read(fd, got, sizeof got)) > 0) {
		for (ssize_t i = 0; i < r; i++, len++)
			if (got[i] != (unsigned char)(len * 7 / 3))
				_exit(1);
		unix_nap(2000);
	}
	_exit(len == n ? 0 : 2);
}

/* Signals in between, and a pipe that somebody made non-blocking, lose nothing. */
START_TEST(survives_interruptions)
{
	/* no SA_RESTART: write returns short, or EINTR */
	struct sigaction act = { .sa_handler = on_alarm };
	struct itimerval tick = { { 0, 700 }, { 0, 700 } }, off = { { 0, 0 }, { 0, 0 } };
	enum { N = 500000 };
	unsigned char *text = malloc(N);
	struct outfile f;
	char name[32];
	int fds[2], status;

	for (size_t i = 0; i < N; i++)
		text[i] = (unsigned char)(i * 7 / 3);
	ck_assert_int_eq(pipe(fds), 0);
	if (_i)
		ck_assert_int_eq(fcntl(fds[1], F_SETFL, O_NONBLOCK), 0);
	snprintf(name, sizeof name, "/dev/fd/%d", fds[1]);
	pid_t pid = slow_reader(fds[0], fds[1], N);
	ck_assert_int_eq(outfile_create(&f, name, OUTFILE_ANY, NULL, &why), 0);
	close(fds[1]);
	sigaction(SIGALRM, &act, NULL);
	setitimer(ITIMER_REAL, &tick, NULL);
	for (size_t i = 0; i < N; i += 20000)
		ck_assert_msg(outfile_add(&f, text + i, 20000, &why) == 0, "%s", why.text);
	ck_assert_msg(outfile_close(&f, &why) == 0, "%s", why.text);
	setitimer(ITIMER_REAL, &off, NULL);
	close(fds[0]);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	free(text);
}
END_TEST

START_TEST(replaces)
{
	static const unsigned modes[] = { 0600, 0644 };
	const char *name = harness_path(h, "out");

	umask(077); /* the mode asked for stands all the same */
	for (size_t i = 0; i < 2; i++) {
		const char *text = i == 0 ? "longer than the second\n" : "second\n";
		ck_assert_msg(outfile_replace(name, text, strlen(text), modes[i], &why) == 0, "%s",
		    why.text);
		assert_file("out", text);
		ck_assert_uint_eq(mode_of("out"), S_IFREG | modes[i]);
	}
	ck_assert_int_eq(unlink(name), 0);
	ck_assert_int_eq(rmdir(harness_path(h, ".")), -1);
	ck_assert_int_eq(rmdir(harness_dir(h)), 0); /* nothing else was left there */
	ck_assert_int_eq(mkdir(harness_dir(h), 0700), 0);
}
END_TEST

START_TEST(replaces_nothing_when_it_fails)
{
	const char *name = harness_path(h, "out");

	harness_write_text(h, "out", "old\n");
	limit_files(4);
	ck_assert_int_eq(outfile_replace(name, "too long\n", 9, 0600, &why), -1);
	limit_files(RLIM_INFINITY);
	assert_reason("cannot be written: File too large");
	assert_file("out", "old\n");
	ck_assert_int_eq(unlink(name), 0);
	ck_assert_int_eq(rmdir(harness_dir(h)), 0); /* no temporary file is left */
	ck_assert_int_eq(mkdir(harness_dir(h), 0700), 0);
}
END_TEST

START_TEST(replaces_through_a_stream)
{
	char name[32];
	int fds[2];

	ck_assert_int_eq(pipe(fds), 0);
	snprintf(name, sizeof name, "/dev/fd/%d", fds[1]);
	ck_assert_int_eq(outfile_replace(name, "all\n", 4, 0600, &why), 0);
	close(fds[1]);
	expect_through(fds[0], "all\n");
	ck_assert_int_eq(outfile_replace("/dev/full", "all\n", 4, 0600, &why), -1);
	assert_reason("No space left");
}
END_TEST

#define LENGTH(array) ((int)(sizeof(array) / sizeof *(array)))

Suite *outfile_suite(void)
{
	Suite *s = suite_create("outfile");
	TCase *t = tcase_create("outfile");

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, creates);
	tcase_add_test(t, keeps_older_files);
	tcase_add_loop_test(t, continues, 0, LENGTH(continuations));
	tcase_add_test(t, sets_an_empty_file_of_others_aside);
	tcase_add_test(t, knows_long_files_again);
	tcase_add_test(t, reopens_what_it_closed);
	tcase_add_loop_test(t, refuses, 0, LENGTH(refusals));
	tcase_add_test(t, refuses_where_no_directory_is);
	tcase_add_test(t, escapes_names);
	tcase_add_loop_test(t, writes_to_streams, 0, 5);
	tcase_add_test(t, writes_to_a_device);
	tcase_add_test(t, refuses_a_closed_descriptor);
	tcase_add_test(t, adds_pieces_of_any_size);
	tcase_add_test(t, tells_of_a_full_disk);
	tcase_add_test(t, tells_of_a_reader_that_went);
	tcase_add_loop_test(t, tells_of_a_short_write, 0, 2);
	tcase_add_loop_test(t, survives_interruptions, 0, 2);
	tcase_add_test(t, replaces);
	tcase_add_test(t, replaces_nothing_when_it_fails);
	tcase_add_test(t, replaces_through_a_stream);
	suite_add_tcase(s, t);
	return s;
}
