/* cio-import: user records to Customer.io's Track API, paced, retried, accounted for. */
#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/log.h"
#include "base/os.h"
#include "options/options.h"
#include "run/run.h"

extern char **environ;

/* The place of a standard stream that is closed would be taken by the next file that is opened.
 * What holds it goes the wrong way, so that reading or writing it still fails. */
static void hold_standard_streams(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 &&
		    open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) != fd)
			_exit(EX_OSERR);
}

int main(int argc, char **argv)
{
	struct options options;
	int status = 0;

	hold_standard_streams();
	os_keep_secrets();
	os_wake_promptly();
	signal(SIGXFSZ, SIG_IGN); /* a file that may grow no further is an error to be said */
	setlocale(LC_CTYPE, "");
	switch (
	    options_read(argc, argv, environ, isatty(STDIN_FILENO), stdout, &options, &status)) {
	case OPTIONS_RUN:
		status = options.dry_run ? dry_run(&options) : run(&options);
		break;
	case OPTIONS_DONE:
		if (fflush(stdout) != 0 || ferror(stdout)) {
			log_error("standard output cannot be written");
			status = EX_CANTCREAT;
		}
		break;
	case OPTIONS_REFUSED:
		break;
	}
	options_free(&options);
	return status;
}
