/* One rate for many runs: real processes that share a file, and are killed. Times in a test are
 * real where processes compete, and made up where one looks at what another has left. */
#include <check.h>
#include <inttypes.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/reason.h"
#include "dice.h"
#include "scene.h"
#include "send/pace.h"
#include "unix.h"

Suite *rate_file_suite(void);

#define S INT64_C(1000000)
#define HERE "/tmp/cio-rate.XXXXXX"

static const struct pace_config fifty = { .num = 1, .den = 20000, .burst = 10, .adapt = true };

/* -- a directory, processes -- */

static char directory[] = HERE, file[sizeof HERE + 16];

static void set_up(void)
{
	strcpy(directory, HERE);
	ck_assert_ptr_nonnull(mkdtemp(directory));
	snprintf(file, sizeof file, "%s/rate", directory);
}

static void tear_down(void)
{
	unlink(file);
	ck_assert_int_eq(rmdir(directory), 0);
}

static struct pace *share(const struct pace_config *c, struct reason *why)
{
	return pace_share(c, file, clock_now(), clock_wall(), why);
}

/* A process that does `what`, then says so and lives until it is killed. */
static pid_t start(void (*what)(void))
{
	int ends[2];
	char done = 0;

	ck_assert_int_eq(pipe(ends), 0);
	pid_t pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		what();
		if (write(ends[1], "x", 1) == 1)
			pause();
		_exit(1);
	}
	close(ends[1]);
	ck_assert_int_eq(read(ends[0], &done, 1), 1);
	close(ends[0]);
	return pid;
}

static void end(pid_t pid)
{
	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
}

/* -- many at once -- */

#define MOST 20000
#define RUNS 5

/* An attempt began somewhere between the two times. */
struct attempt {
	int64_t from, to;
};

struct log {
	atomic_int count;
	struct attempt attempts[MOST];
};

static struct log *new_log(void)
{
	struct log *l = unix_shared(sizeof *l);

	ck_assert_ptr_nonnull(l);
	return l;
}

/* Attempts as fast as it may, until it is killed. */
static void attempt_for_ever(const struct pace_config *c, struct log *l)
{
	struct reason why;
	struct pace *p = share(c, &why);

	while (p) {
		int64_t now = clock_now(), ready = pace_ready(p, now);
		if (ready > now) {
			unix_nap(ready - now);
			continue;
		}
		if (!pace_take(p, now))
			continue;
		int n = atomic_fetch_add(&l->count, 1);
		if (n < MOST)
			l->attempts[n] = (struct attempt){ now, clock_now() };
	}
	fprintf(stderr, "%s\n", why.text);
	_exit(1);
}

static pid_t start_run(const struct pace_config *c, struct log *l)
{
	pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	if (pid == 0)
		attempt_for_ever(c, l);
	return pid;
}

static int by_from(const void *a, const void *b)
{
	int64_t x = ((const struct attempt *)a)->from, y = ((const struct attempt *)b)->from;

	return (x > y) - (x < y);
}

static int by_time(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

/* In no window are there surely more than burst + rate * w. */
static void assert_promise(struct log *l, const struct pace_config *c)
{
	static int64_t ends[MOST];
	int n = l->count;

	ck_assert_int_le(n, MOST);
	qsort(l->attempts, (size_t)n, sizeof *l->attempts, by_from);
	for (int i = 0; i < n; i++) {
		int64_t from = l->attempts[i].from;
		int count = n - i < 2000 ? n - i : 2000;
		for (int k = 0; k < count; k++)
			ends[k] = l->attempts[i + k].to;
		qsort(ends, (size_t)count, sizeof *ends, by_time);
		for (int k = 0; k < count; k++)
			if ((k + 1 - c->burst) * c->den > (ends[k] - from) * c->num)
				ck_abort_msg("%d attempts in %" PRId64 " us", k + 1,
				    (ends[k] - from));
	}
}

/* Whoever is killed, and whenever: it is one rate, and it goes on. */
START_TEST(killed_at_any_instant)
{
	static const struct pace_config configs[] = {
		{ .num = 1, .den = 2000, .burst = 5, .adapt = true },
		{ .num = 1, .den = 500, .burst = 1, .adapt = true },
	};
	const struct pace_config *c = &configs[_i];
	struct dice d = dice_new("killed");
	struct log *l = new_log();
	pid_t runs[RUNS];
	int kills = 0;

	for (int i = 0; i < RUNS; i++)
		runs[i] = start_run(c, l);
	for (int64_t over = clock_now() + 2 * S; clock_now() < over; kills++) {
		int i = (int)dice_below(&d, RUNS);
		unix_nap(dice_below(&d, 30000));
		end(runs[i]);
		runs[i] = start_run(c, l);
	}
	int before = l->count;
	for (int i = 0; l->count <= before + 20 && i < 1000; i++)
		unix_nap(10000);
	for (int i = 0; i < RUNS; i++)
		end(runs[i]);
	printf("%d killed, %d attempts in about 2 s\n", kills, before);
	ck_assert_int_gt(kills, 10);
	ck_assert_int_gt(l->count, before + 20);
	assert_promise(l, c);
	munmap(l, sizeof *l);
}
END_TEST

/* Each gets something: which is how much, turns says. */
START_TEST(all_get_some)
{
	struct log *logs[RUNS];
	pid_t runs[RUNS];

	for (int i = 0; i < RUNS; i++)
		runs[i] = start_run(&fifty, logs[i] = new_log());
	for (int i = 0; i < RUNS; i++)
		for (int k = 0; k < 1000 && logs[i]->count < 3; k++)
			unix_nap(10000);
	for (int i = 0; i < RUNS; i++) {
		end(runs[i]);
		ck_assert_int_ge(logs[i]->count, 3);
		munmap(logs[i], sizeof *logs[i]);
	}
}
END_TEST

/* -- what one hears, all know -- */

/* Thirty attempts, then a 429 that asks for a pause of a minute. */
static void be_refused(void)
{
	struct reason why;
	struct pace *p = share(&fifty, &why);
	int64_t now = clock_now();

	for (int i = 0; p && i < 30; i++) {
		for (int64_t ready; (ready = pace_ready(p, now)) > now; now = clock_now())
			unix_nap(ready - now);
		if (!pace_take(p, now))
			_exit(1);
		pace_answered(p, THROTTLE_HEARD, now, now);
	}
	pace_refused(p, now, -1, clock_now() + 60 * S, now);
}

START_TEST(a_429_to_one_is_one_to_all)
{
	struct reason why;
	struct pace *p = share(&fifty, &why);
	int64_t now = clock_now();

	ck_assert_ptr_nonnull(p);
	ck_assert_double_eq(pace_learned(p, now), 0);
	ck_assert_int_eq(pace_refused_since(p), INT64_MAX);
	pid_t other = start(be_refused);
	now = clock_now();
	ck_assert(!pace_take(p, now));
	ck_assert_int_ge(pace_ready(p, now), now + 59 * S);
	ck_assert_int_ge(pace_paused_until(p), now + 59 * S);
	ck_assert_int_le(pace_refused_since(p), now + S);
	ck_assert_double_gt(pace_learned(p, now), 10);
	ck_assert_double_lt(pace_learned(p, now), 49);
	/* it is the same wave to who began before */
	ck_assert_uint_eq(pace_nth(p, now - 50 * S), 0);
	ck_assert(!pace_refused(p, now - 50 * S, 90 * S, now + 90 * S, now));
	ck_assert_int_eq(pace_paused_until(p), now + 90 * S);
	end(other);
	ck_assert_int_eq(pace_ready(p, now), now + 90 * S);
	pace_free(p);
}
END_TEST

static void be_heard(void)
{
	struct reason why;
	struct pace *p = share(&fifty, &why);
	int64_t now = clock_now();

	if (!p)
		_exit(1);
	pace_answered(p, THROTTLE_HEARD, now, now);
}

/* Who does nothing but wait hears that another was answered since. */
START_TEST(an_answer_to_one_is_one_to_all)
{
	struct reason why;
	struct pace *p = share(&fifty, &why);

	ck_assert_ptr_nonnull(p);
	end(start(be_refused));
	ck_assert_int_gt(pace_ready(p, clock_now()), 0);
	ck_assert_int_lt(pace_refused_since(p), INT64_MAX);
	end(start(be_heard));
	ck_assert_int_eq(pace_refused_since(p), INT64_MAX);
	pace_free(p);
}
END_TEST

/* Who comes later keeps the pause, and has not been refused for as long as the others have. */
START_TEST(who_comes_later_keeps_the_pause)
{
	struct reason why;
	pid_t other = start(be_refused);
	struct pace *p;
	int64_t now;

	if (_i == 1)
		end(other);
	unix_nap(20000);
	now = clock_now();
	p = share(&fifty, &why);
	ck_assert_ptr_nonnull(p);
	ck_assert_int_ge(pace_ready(p, now), now + 59 * S);
	ck_assert_int_ge(pace_refused_since(p), now);
	ck_assert_double_gt(pace_learned(p, now), 10);
	pace_free(p);
	if (_i == 0)
		end(other);
}
END_TEST

/* -- who may share it -- */

static struct pace_config their_config;

static void take_a_seat(void)
{
	struct reason why;

	if (!share(&their_config, &why)) {
		fprintf(stderr, "%s\n", why.text);
		_exit(1);
	}
}

static void assert_refused(const struct pace_config *c, int status, const char *text)
{
	struct reason why = { 0 };

	ck_assert_ptr_null(share(c, &why));
	ck_assert_int_eq(why.status, status);
	ck_assert_msg(strstr(why.text, text) != NULL, "%s", why.text);
}

START_TEST(all_must_ask_for_the_same)
{
	static const struct {
		struct pace_config theirs;
		const char *said;
	} rows[] = {
		{ { 1, 10000, 10, true }, "--rate=100 --burst=10: give the same" },
		{ { 1, 20000, 11, true }, "--rate=50 --burst=11: " },
		{ { 1, 20000, 10, false }, "--rate=50 --burst=10 --no-adapt: " },
		{ { 0, 0, 10, true }, "--rate=unlimited --burst=10: " },
	};
	struct reason why;
	struct pace *p;

	their_config = rows[_i].theirs;
	pid_t other = start(take_a_seat);
	assert_refused(&fifty, EX_USAGE, rows[_i].said);
	end(other);
	p = share(&fifty, &why); /* nobody is there any more */
	ck_assert_ptr_nonnull(p);
	pace_free(p);
}
END_TEST

START_TEST(seats_are_freed)
{
	pid_t runs[64];
	struct reason why;
	struct pace *p;

	their_config = fifty;
	for (int i = 0; i < 64; i++)
		runs[i] = start(take_a_seat);
	assert_refused(&fifty, EX_TEMPFAIL, "64 runs share it already");
	end(runs[17]);
	p = share(&fifty, &why);
	ck_assert_ptr_nonnull(p);
	pace_free(p);
	for (int i = 0; i < 64; i++)
		if (i != 17)
			end(runs[i]);
}
END_TEST

static void write_file(const char *text, size_t len)
{
	int fd = open(file, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, len), (ssize_t)len);
	close(fd);
}

START_TEST(not_a_rate_file)
{
	static const struct {
		const char *text;
		bool good;
	} rows[] = {
		{ "", true },
		{ "id,email\n1,a@example.com\n", false },
		{ "cio-import", false },
		{ "cio-import rate file 1: 17\n", true }, /* of another version */
		{ "cio-import rate file 2: 1234567\nabcdefg", true },
	};
	struct reason why;
	struct stat st;

	write_file(rows[_i].text, strlen(rows[_i].text));
	if (rows[_i].good) {
		struct pace *p = share(&fifty, &why);
		ck_assert_msg(p != NULL, "%s", why.text);
		ck_assert(pace_take(p, clock_now()));
		pace_free(p);
	} else {
		assert_refused(&fifty, EX_CANTCREAT, "is something else than a rate file");
		ck_assert_int_eq(stat(file, &st), 0);
		ck_assert_int_eq(st.st_size, (off_t)strlen(rows[_i].text));
	}
}
END_TEST

/* Its first bytes were not on the disk yet when the power was lost. */
START_TEST(a_blank_one)
{
	static const char zeroes[4096];
	struct reason why;

	write_file(zeroes, _i ? sizeof zeroes : 3);
	struct pace *p = share(&fifty, &why);
	ck_assert_msg(p != NULL, "%s", why.text);
	ck_assert(pace_take(p, clock_now()));
	pace_free(p);
}
END_TEST

START_TEST(another_version_has_it)
{
	their_config = fifty;
	pid_t other = start(take_a_seat);
	write_file("cio-import rate file 1: 17\n", 27);
	assert_refused(&fifty, EX_TEMPFAIL, "in use by another version");
	end(other);
}
END_TEST

START_TEST(what_the_file_may_be)
{
	char other[sizeof file + 8];
	struct stat st;
	struct reason why;

	snprintf(other, sizeof other, "%s.else", file);
	ck_assert_int_eq(symlink(other, file), 0);
	assert_refused(&fifty, EX_CANTCREAT, "is a symbolic link");
	ck_assert_int_ne(stat(other, &st), 0);
	ck_assert_int_eq(unlink(file), 0);
	ck_assert_int_eq(mkfifo(file, 0600), 0);
	assert_refused(&fifty, EX_CANTCREAT, "is not a regular file");
	ck_assert_int_eq(unlink(file), 0);
	umask(0);
	struct pace *p = share(&fifty, &why);
	ck_assert_ptr_nonnull(p);
	ck_assert_int_eq(stat(file, &st), 0);
	ck_assert_int_eq(st.st_mode & 07777, 0600);
	pace_free(p);
}
END_TEST

/* -- what one has left -- */

static void tokens_gone(void)
{
	struct reason why;
	struct pace *p = share(&their_config, &why);

	if (!p || !pace_take(p, clock_now()))
		_exit(1);
}

static const struct pace_config rare = { .num = 1, .den = 3600 * S, .burst = 10, .adapt = true };

/* A run after another begins with what that one has left: here none. */
START_TEST(one_after_another)
{
	struct reason why;
	struct pace *p;

	their_config = rare;
	end(start(tokens_gone));
	p = share(&rare, &why);
	ck_assert_ptr_nonnull(p);
	ck_assert(!pace_take(p, clock_now()));
	ck_assert_int_ge(pace_ready(p, clock_now()), clock_now() + 3590 * S);
	pace_free(p);
	/* an hour later there is one token, and not more */
	p = pace_share(&rare, file, clock_now() + 7200 * S, clock_wall() + 7200 * S, &why);
	ck_assert(pace_take(p, clock_now() + 7200 * S));
	ck_assert(!pace_take(p, clock_now() + 7200 * S));
	pace_free(p);
}
END_TEST

/* After a boot the clock begins anew; another machine's is another. So does the bucket then, with
 * one token. */
START_TEST(another_clock)
{
	static const struct {
		int64_t now, wall; /* later by */
		bool anew;
	} rows[] = {
		{ 0, 0, false },
		{ 60 * S, 60 * S, false },
		{ 60 * S, 65 * S, false },
		{ -S, -S, false }, /* it had to wait for the lock */
		{ -S, 60 * S, true },
		{ -7200 * S, 10 * S, true },
		{ 60 * S, 7200 * S, true },
		{ 600 * S, 10 * S, true },
		{ 60 * S, -7200 * S, true },
	};
	struct reason why;
	struct pace *p;
	int64_t now;

	their_config = rare;
	end(start(tokens_gone));
	now = clock_now() + rows[_i].now;
	p = pace_share(&rare, file, now, clock_wall() + rows[_i].wall, &why);
	ck_assert_ptr_nonnull(p);
	ck_assert_int_eq(pace_take(p, now), rows[_i].anew);
	ck_assert(!pace_take(p, now));
	pace_free(p);
}
END_TEST

#define TITLE 64

/* Both copies of the record, as they stand in the file. */
struct copies {
	int fd;
	off_t size; /* of one */
	uint64_t number[2];
};

static struct copies open_copies(void)
{
	struct copies c = { .fd = open(file, O_RDWR) };
	struct stat st;

	ck_assert_int_eq(fstat(c.fd, &st), 0);
	c.size = (st.st_size - TITLE) / 2;
	for (int i = 0; i < 2; i++)
		ck_assert_int_eq(pread(c.fd, &c.number[i], 8, TITLE + i * c.size), 8);
	return c;
}

/* One who writes is killed when so many bytes have gone over the older copy: what had been written
 * before counts. */
START_TEST(a_torn_record)
{
	struct dice d = dice_new("torn");
	static char junk[1 << 16];
	struct reason why;

	their_config = rare;
	end(start(tokens_gone));
	struct copies c = open_copies();
	int older = c.number[0] > c.number[1];
	uint64_t next = c.number[!older] + 1;
	memset(junk, 0x5a, sizeof junk);
	memcpy(junk, &next, sizeof next);
	size_t torn = _i == 0 ? 8 : 1 + (size_t)dice_below(&d, c.size - 8);
	ck_assert_int_eq(pwrite(c.fd, junk, torn, TITLE + older * c.size), (ssize_t)torn);
	close(c.fd);
	struct pace *p = share(&rare, &why);
	ck_assert_ptr_nonnull(p);
	ck_assert(!pace_take(p, clock_now()));
	pace_free(p);
}
END_TEST

/* Whatever stands in a file by that name: it is used or begun anew, and the promise holds. */
START_TEST(whatever_is_there)
{
	struct dice d = dice_new("whatever");
	struct reason why;

	their_config = fifty;
	end(start(take_a_seat));
	for (int i = 0; i < 300; i++) {
		struct copies c = open_copies();
		for (int64_t k = dice_below(&d, 20); k >= 0; k--) {
			uint64_t any = dice_one_in(&d, 3) ? UINT64_MAX : dice_next(&d);
			off_t at = TITLE + (off_t)dice_below(&d, c.size * 2 - 8);
			if (dice_one_in(&d, 2))
				at = TITLE + (off_t)dice_below(&d, 40) * 8 +
				    (at > c.size ? c.size : 0);
			ck_assert_int_eq(pwrite(c.fd, &any, 1 + (size_t)dice_below(&d, 8), at) > 0,
			    1);
		}
		close(c.fd);
		struct pace *p = share(&fifty, &why);
		ck_assert_ptr_nonnull(p);
		int64_t now = clock_now(), taken = 0;
		for (int k = 0; k < 50; k++, now += 1000)
			if (taken += pace_take(p, now))
				pace_refused(p, now, -1, now + dice_below(&d, 3000), now);
		ck_assert_int_le(taken, fifty.burst + 3);
		pace_learned(p, now);
		pace_answered(p, THROTTLE_HEARD, now, now);
		pace_ready(p, now);
		pace_free(p);
	}
}
END_TEST

/* -- trouble -- */

/* As a run that is stopped while it holds the lock, which lasts some microseconds. */
static void hold_the_lock(void)
{
	struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1 };
	int fd = open(file, O_RDWR);

	if (fd < 0 || fcntl(fd, F_SETLK, &l) != 0)
		_exit(1);
}

START_TEST(one_that_is_stopped_holding_it)
{
	struct reason why;
	struct pace *p = share(&fifty, &why);
	pid_t holder = start(hold_the_lock);
	int64_t now = clock_now();

	ck_assert(!pace_take(p, now));
	ck_assert_int_gt(pace_ready(p, now), now);
	ck_assert_int_lt(pace_ready(p, now), now + S);
	pace_answered(p, THROTTLE_HEARD, now, now);
	ck_assert(pace_refused(p, now, -1, now + 5 * S, now));
	ck_assert_ptr_null(pace_trouble(p));
	end(holder);
	ck_assert(!pace_take(p, now + 5 * S - 1)); /* what it heard itself it keeps to */
	ck_assert_int_ge(pace_ready(p, now), now + 5 * S);
	ck_assert(pace_take(p, now + 5 * S));
	pace_free(p);
}
END_TEST

START_TEST(the_file_is_removed)
{
	struct reason why;
	struct pace *p = share(&fifty, &why);

	ck_assert(pace_take(p, clock_now()));
	ck_assert_int_eq(unlink(file), 0);
	ck_assert(!pace_take(p, clock_now() + S));
	ck_assert_ptr_nonnull(pace_trouble(p));
	ck_assert_int_eq(pace_trouble(p)->status, EX_CANTCREAT);
	ck_assert_ptr_nonnull(strstr(pace_trouble(p)->text, "was removed while it was in use"));
	ck_assert(!pace_take(p, clock_now() + 2 * S));
	pace_free(p);
}
END_TEST

/* -- the program -- */

/* Three shards of one file and one rate: together they keep to it, each gets its part, and when one
 * is killed the others have all of it. A burst of 1 leaves no room for a doubt. */
START_TEST(shards_share_one_rate)
{
	struct scene s = scene_open(NULL);
	struct harness_child *runs[3];
	const char *rate = harness_path(s.harness, "rate");
	char name[64];

	scene_write_people(&s, "in.csv", 240);
	snprintf(name, sizeof name, "--rate-file=%s", rate);
	for (int i = 0; i < 3; i++) {
		char shard[] = "--shard=1/3";
		shard[8] = (char)('1' + i);
		runs[i] = HARNESS_START(s.harness, "in.csv", "--rate=60", "--burst=1", name, shard,
		    "--no-state");
	}
	ck_assert(sandbox_wait(s.sandbox, 60, SOON));
	harness_signal(runs[1], SIGKILL);
	harness_assert_status(harness_finish(runs[0]), 0);
	harness_assert_status(harness_finish(runs[2]), 0);
	harness_assert_status(harness_finish(runs[1]), 128 + SIGKILL);
	size_t n = sandbox_arrivals(s.sandbox);
	int64_t span = sandbox_arrival(s.sandbox, n - 1).at_us -
	    sandbox_arrival(s.sandbox, 0).at_us;
	printf("%zu arrivals in %.2f s\n", n, (double)span / (double)S);
	/* on the way some may come closer, none overtakes the rate */
	ck_assert_int_ge(span, (int64_t)(n - 3) * S / 60 - S / 10);
	ck_assert(harness_exists(s.harness, "rate"));
	scene_close(&s);
}
END_TEST

START_TEST(another_rate_is_wrong_usage)
{
	struct scene s = scene_open(NULL);

	scene_write_people(&s, "in.csv", 500);
	struct harness_child *run = HARNESS_START(s.harness, "in.csv", "--rate-file=rate",
	    "--no-state");
	ck_assert(sandbox_wait(s.sandbox, 2, SOON));
	const struct harness_run *other = HARNESS_RUN(s.harness, "in.csv", "--rate-file=rate",
	    "--rate=80", "--no-state", "--rejects=other.csv");
	harness_assert_status(other, EX_USAGE);
	harness_assert_err_has(other, "shares it with --rate=50 --burst=10: give the same");
	harness_signal(run, SIGKILL);
	harness_finish(run);
	scene_close(&s);
}
END_TEST

START_TEST(removed_while_it_runs)
{
	struct scene s = scene_open(NULL);

	scene_write_people(&s, "in.csv", 500);
	struct harness_child *run = HARNESS_START(s.harness, "in.csv", "--rate-file=rate");
	ck_assert(sandbox_wait(s.sandbox, 5, SOON));
	ck_assert_int_eq(unlink(harness_path(s.harness, "rate")), 0);
	const struct harness_run *ended = harness_finish(run);
	harness_assert_status(ended, EX_CANTCREAT);
	harness_assert_err_has(ended, "rate: was removed while it was in use");
	harness_assert_err_has(ended, "to resume: ");
	scene_close(&s);
}
END_TEST

Suite *rate_file_suite(void)
{
	Suite *suite = suite_create("rate_file");
	TCase *t = tcase_create("rate_file"), *program = tcase_create("program");

	tcase_set_timeout(t, 120);
	tcase_add_checked_fixture(t, set_up, tear_down);
	tcase_add_loop_test(t, killed_at_any_instant, 0, 2);
	tcase_add_test(t, all_get_some);
	tcase_add_test(t, a_429_to_one_is_one_to_all);
	tcase_add_test(t, an_answer_to_one_is_one_to_all);
	tcase_add_loop_test(t, who_comes_later_keeps_the_pause, 0, 2);
	tcase_add_loop_test(t, all_must_ask_for_the_same, 0, 4);
	tcase_add_test(t, seats_are_freed);
	tcase_add_loop_test(t, not_a_rate_file, 0, 5);
	tcase_add_loop_test(t, a_blank_one, 0, 2);
	tcase_add_test(t, another_version_has_it);
	tcase_add_test(t, what_the_file_may_be);
	tcase_add_test(t, one_after_another);
	tcase_add_loop_test(t, another_clock, 0, 9);
	tcase_add_loop_test(t, a_torn_record, 0, 20);
	tcase_add_test(t, whatever_is_there);
	tcase_add_test(t, one_that_is_stopped_holding_it);
	tcase_add_test(t, the_file_is_removed);
	suite_add_tcase(suite, t);
	tcase_set_timeout(program, 120);
	tcase_add_test(program, shards_share_one_rate);
	tcase_add_test(program, another_rate_is_wrong_usage);
	tcase_add_test(program, removed_while_it_runs);
	suite_add_tcase(suite, program);
	return suite;
}
