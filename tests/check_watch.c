/* A file that changes while it is read, in every order that the dice give. */
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/buf.h"
#include "base/log.h"
#include "dice.h"
#include "input/watch.h"

Suite *watch_suite(void);

#define ANY ((size_t)-1)

/* A file, what is in it, and what was read of it. */
struct watched {
	char name[64];
	int fd, out;
	struct buf now, got;
	struct watch w;
	struct reason why;
	struct dice *dice;
	int64_t second;
	bool other; /* it was cut since it was opened */
};

static void tick(struct watched *f)
{
	struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, { f->second++, 0 } };

	ck_assert_int_eq(futimens(f->out, times), 0);
}

static void put(struct watched *f, size_t from)
{
	size_t n = f->now.len - from;

	ck_assert_int_eq(pwrite(f->out, f->now.data + from, n, (off_t)from), (ssize_t)n);
	ck_assert_int_eq(ftruncate(f->out, (off_t)f->now.len), 0);
	tick(f);
}

static void add(struct watched *f, size_t n)
{
	while (n-- > 0)
		buf_byte(&f->now, (char)('a' + dice_below(f->dice, 26)));
}

static void watched_open(struct watched *f, struct dice *dice, size_t size)
{
	struct stat st;

	*f = (struct watched){ .now = { .max = ANY },
		.got = { .max = ANY },
		.dice = dice,
		.second = 1700000000 };
	strcpy(f->name, "/tmp/cio-watch-XXXXXX");
	f->out = mkstemp(f->name);
	ck_assert_int_ge(f->out, 0);
	add(f, size);
	put(f, 0);
	f->fd = open(f->name, O_RDONLY);
	ck_assert_int_eq(fstat(f->fd, &st), 0);
	watch_begin(&f->w, f->fd, &st, &f->why);
}

static void watched_close(struct watched *f)
{
	watch_free(&f->w);
	unlink(f->name);
	close(f->fd);
	close(f->out);
	buf_free(&f->now);
	buf_free(&f->got);
}

static enum source_result read_some(struct watched *f, size_t n)
{
	size_t got = 0;
	enum source_result result = watch_read(&f->w, buf_room(&f->got, n), n, &got);

	f->got.len += got;
	return result;
}

static bool is_front(const struct watched *f)
{
	return f->got.len <= f->now.len &&
	    (f->got.len == 0 || memcmp(f->got.data, f->now.data, f->got.len) == 0);
}

static void change(struct watched *f)
{
	size_t size = f->now.len;

	switch (dice_below(f->dice, 4)) {
	case 0:
		add(f, (size_t)dice_below(f->dice, 3000));
		put(f, size);
		break;
	case 1: /* as it was */
		put(f, 0);
		break;
	case 2:
		f->now.len = (size_t)dice_below(f->dice, (int64_t)size + 1);
		f->other |= f->now.len < size;
		put(f, f->now.len);
		break;
	default: {
		size_t at = (size_t)dice_below(f->dice, (int64_t)size + 1);
		f->now.len = at;
		add(f, size - at + (size_t)dice_below(f->dice, 1000));
		put(f, at);
	}
	}
}

/* What is handed out is the front of what the file holds at that time, however it has become so;
 * what is not, is not handed out. */
START_TEST(only_what_is_there)
{
	struct dice dice = dice_new("only_what_is_there");
	int ends = 0, failures = 0;

	for (int round = 0; round < 2000; round++) {
		struct watched f;
		enum source_result result;
		watched_open(&f, &dice, (size_t)dice_below(&dice, 20000));
		do {
			if (dice_one_in(&dice, 4))
				change(&f);
			size_t before = f.got.len;
			result = read_some(&f, 1 + (size_t)dice_below(&dice, 6000));
			if (f.got.len > before || result == SOURCE_END)
				ck_assert(is_front(&f));
		} while (result == SOURCE_MORE);
		if (result == SOURCE_FAILED) {
			failures++;
			ck_assert_msg(f.w.spoiled && (f.other || !is_front(&f)), "%s", f.why.text);
		} else {
			ends++;
			ck_assert_uint_eq(f.got.len, f.now.len);
		}
		watched_close(&f);
	}
	ck_assert_int_gt(ends, 100);
	ck_assert_int_gt(failures, 100);
}
END_TEST

/* Of a large file that changes often not everything is compared each time: but at the end. */
static const struct {
	size_t at; /* where it is written over when 40 MiB of 50 were read */
	int more;  /* pieces of 1 MiB that are handed out after that */
} overs[] = {
	{ 100, 10 },
	{ (40 << 20) - 100, 0 },
};

START_TEST(a_large_one_is_compared_at_last)
{
	struct dice dice = { 1 };
	struct watched f;
	enum source_result result;
	int more = 0;

	watched_open(&f, &dice, 50 << 20);
	for (int i = 0; i < 40; i++) {
		ck_assert_int_eq(read_some(&f, 1 << 20), SOURCE_MORE);
		tick(&f);
	}
	ck_assert_int_gt(f.w.proved, 10 << 20); /* at twice the size each time */
	ck_assert_int_lt(f.w.proved, 40 << 20);
	f.now.data[overs[_i].at] ^= 1;
	put(&f, 0);
	while ((result = read_some(&f, 1 << 20)) == SOURCE_MORE)
		more++;
	ck_assert_int_eq(result, SOURCE_FAILED);
	ck_assert(f.w.spoiled);
	ck_assert_int_eq(more, overs[_i].more);
	watched_close(&f);
}
END_TEST

/* From where the descriptor stands: that is where standard input begins. */
START_TEST(from_the_middle)
{
	struct dice dice = { 2 };
	struct watched f;
	struct stat st;
	char byte;

	watched_open(&f, &dice, 100);
	watch_free(&f.w);
	ck_assert_int_eq(read(f.fd, &byte, 1), 1);
	ck_assert_int_eq(fstat(f.fd, &st), 0);
	watch_begin(&f.w, f.fd, &st, &f.why);
	ck_assert_int_eq(read_some(&f, 1000), SOURCE_MORE);
	f.now.data[0] ^= 1; /* what was not read is no matter */
	put(&f, 0);
	ck_assert_int_eq(read_some(&f, 1000), SOURCE_END);
	ck_assert_uint_eq(f.got.len, 99);
	watched_close(&f);
}
END_TEST

/* Files of /proc say that they are empty. */
START_TEST(a_size_that_is_not_told)
{
	struct watched f = { .got = { .max = ANY } };
	struct stat st;

	f.fd = open("/proc/self/status", O_RDONLY);
	ck_assert_int_ge(f.fd, 0);
	ck_assert_int_eq(fstat(f.fd, &st), 0);
	watch_begin(&f.w, f.fd, &st, &f.why);
	ck_assert_int_eq(read_some(&f, 10), SOURCE_MORE);
	while (read_some(&f, 1000) == SOURCE_MORE)
		;
	ck_assert(!f.w.spoiled);
	watch_free(&f.w);
	close(f.fd);
	buf_free(&f.got);
}
END_TEST

Suite *watch_suite(void)
{
	Suite *suite = suite_create("watch");
	TCase *tcase = tcase_create("watch");

	tcase_set_timeout(tcase, 120);
	tcase_add_test(tcase, only_what_is_there);
	tcase_add_loop_test(tcase, a_large_one_is_compared_at_last, 0, 2);
	tcase_add_test(tcase, from_the_middle);
	tcase_add_test(tcase, a_size_that_is_not_told);
	suite_add_tcase(suite, tcase);
	return suite;
}
