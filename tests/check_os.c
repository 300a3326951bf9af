/* The system's means: the same whichever way they are had. */
#include "base/os.h"

#include <check.h>
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/clock.h"

Suite *os_suite(void);

START_TEST(a_pipe_is_nobody_else_s)
{
	int ends[2];
	char c = 0;

	ck_assert_int_eq(os_pipe(ends, _i == 1), 0);
	for (int end = 0; end < 2; end++) {
		ck_assert_int_eq(fcntl(ends[end], F_GETFD), FD_CLOEXEC);
		ck_assert_int_eq(!!(fcntl(ends[end], F_GETFL) & O_NONBLOCK), _i == 1);
	}
	ck_assert_int_eq(write(ends[1], "x", 1), 1);
	ck_assert_int_eq(read(ends[0], &c, 1), 1);
	ck_assert_int_eq(c, 'x');
	close(ends[0]);
	close(ends[1]);
}
END_TEST

START_TEST(a_temporary_file_is_ours)
{
	char name[] = "/tmp/cio-os.XXXXXX", nowhere[] = "/nowhere/cio-os.XXXXXX";
	struct stat st;
	int fd = os_temporary(name);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
	ck_assert_int_eq(stat(name, &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0600);
	close(fd);
	unlink(name);
	ck_assert_int_eq(os_temporary(nowhere), -1);
	ck_assert_int_eq(errno, ENOENT);
}
END_TEST

/* One that is cannot be had in a test. */
START_TEST(what_is_here_is_not_remote)
{
	char name[] = "/tmp/cio-os.XXXXXX";
	int fd = os_temporary(name);

	ck_assert_int_ge(fd, 0);
	ck_assert(!os_is_remote(fd));
	ck_assert(!os_is_remote(-1));
	close(fd);
	unlink(name);
}
END_TEST

/* What a connection has taken is there until its other end has it; nothing waits for a closed one.
 */
START_TEST(what_has_not_arrived_is_counted)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof a;
	int small = 4096, listener = socket(AF_INET, SOCK_STREAM, 0), fd;
	static char bytes[1 << 20];

	setsockopt(listener, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
	ck_assert(listener >= 0 && bind(listener, (struct sockaddr *)&a, size) == 0 &&
	    listen(listener, 1) == 0 && getsockname(listener, (struct sockaddr *)&a, &size) == 0);
	fd = socket(AF_INET, SOCK_STREAM, 0);
	ck_assert(fd >= 0 && connect(fd, (struct sockaddr *)&a, size) == 0);
	ck_assert_int_le(os_unacknowledged(fd), 0);
	ssize_t taken = send(fd, bytes, sizeof bytes, MSG_DONTWAIT);
	long left = os_unacknowledged(fd);
	ck_assert_int_gt(taken, small * 4);
	ck_assert_msg(left == -1 || (left > 0 && left <= taken), "%ld of %zd", left, taken);
	close(fd);
	close(listener);
	ck_assert_int_eq(os_unacknowledged(-1), -1);
}
END_TEST

/* Never back before the time, and at once where there is something. */
START_TEST(a_wait_is_as_long_as_was_asked)
{
	static const int64_t waits[] = { 0, 1, 300, 1500, 20000 };
	int ends[2];
	struct pollfd fd = { .events = POLLIN };

	ck_assert_int_eq(os_pipe(ends, false), 0);
	fd.fd = ends[0];
	for (size_t i = 0; i < sizeof waits / sizeof *waits; i++) {
		int64_t began = clock_now();
		ck_assert_int_eq(os_poll(&fd, 1, waits[i]), 0);
		ck_assert_int_ge(clock_now() - began, waits[i]);
	}
	ck_assert_int_eq(write(ends[1], "x", 1), 1);
	ck_assert_int_eq(os_poll(&fd, 1, -1), 1);
	ck_assert_int_eq(os_poll(&fd, 1, INT64_MAX), 1);
	ck_assert_int_ne(fd.revents & POLLIN, 0);
	close(ends[0]);
	close(ends[1]);
}
END_TEST

static const struct {
	const char *in, *part;
	int at;
} finds[] = {
	{ "", "", 0 },
	{ "abc", "", 0 },
	{ "", "a", -1 },
	{ "abc", "abcd", -1 },
	{ "abc", "c", 2 },
	{ "aab", "ab", 1 },
	{ "aaaab", "aab", 2 },
	{ "abababc", "ababc", 2 },
	{ "abcab", "abd", -1 },
};

START_TEST(finding)
{
	const char *in = finds[_i].in, *part = finds[_i].part;
	const char *at = os_find(in, strlen(in), part, strlen(part));

	ck_assert_int_eq(at ? (int)(at - in) : -1, finds[_i].at);
}
END_TEST

START_TEST(finding_the_last)
{
	static const char in[] = "a\nb\nc";

	ck_assert_ptr_eq(os_find_last(in, '\n', 5), in + 3);
	ck_assert_ptr_eq(os_find_last(in, '\n', 3), in + 1);
	ck_assert_ptr_null(os_find_last(in, '\n', 1));
	ck_assert_ptr_null(os_find_last(in, 'a', 0));
	ck_assert_ptr_eq(os_find_last(in, 'a', 1), in);
}
END_TEST

START_TEST(the_rest)
{
	char secret[] = "secret";
	uint64_t a = 0, b = 0;

	os_wipe(secret, 3);
	ck_assert_int_eq(memcmp(secret, "\0\0\0ret", 7), 0);
	ck_assert_uint_ge(os_processors(), 1);
	ck_assert_int_eq(os_random(&a, sizeof a), 0);
	ck_assert_int_eq(os_random(&b, sizeof b), 0);
	ck_assert_uint_ne(a, b);
}
END_TEST

Suite *os_suite(void)
{
	Suite *s = suite_create("os");
	TCase *t = tcase_create("os");

	tcase_add_test(t, what_has_not_arrived_is_counted);
	tcase_add_loop_test(t, a_pipe_is_nobody_else_s, 0, 2);
	tcase_add_test(t, a_temporary_file_is_ours);
	tcase_add_test(t, what_is_here_is_not_remote);
	tcase_add_test(t, a_wait_is_as_long_as_was_asked);
	tcase_add_loop_test(t, finding, 0, sizeof finds / sizeof *finds);
	tcase_add_test(t, finding_the_last);
	tcase_add_test(t, the_rest);
	suite_add_tcase(s, t);
	return s;
}
