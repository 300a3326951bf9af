/* Command lines, environments and files: what they come to, and how they are refused. */
#include "options/options.h"

#include <check.h>
#include <inttypes.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/buf.h"
#include "dice.h"
#include "options/options_table.h"
#include "options/settings.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))
#define WORDS_MAX 64
#define SECRET "s3cr3t" /* must never be said */

/* Words separated by spaces; \s is a space in one, and "" an empty word. */
struct words {
	char *words[WORDS_MAX];
	int count;
	char *text;
};

static void words_split(struct words *w, const char *first, const char *text)
{
	w->text = xstrdup(text);
	w->count = 0;
	if (first)
		w->words[w->count++] = (char *)first;
	for (char *save = NULL, *p = strtok_r(w->text, " ", &save); p;
	     p = strtok_r(NULL, " ", &save)) {
		ck_assert_int_lt(w->count, WORDS_MAX - 1);
		for (char *s; (s = strstr(p, "\\s"));) {
			*s = ' ';
			memmove(s + 1, s + 2, strlen(s + 2) + 1);
		}
		w->words[w->count++] = strcmp(p, "\"\"") == 0 ? p + 2 : p;
	}
	w->words[w->count] = NULL;
}

/* What options_read made of something. */
struct got {
	enum options_result result;
	int status;
	struct options o;
	char said[8192];     /* on standard error */
	char printed[65536]; /* on `out` */
	struct words args, env;
};

static void slurp(FILE *f, char *out, size_t size)
{
	rewind(f);
	out[fread(out, 1, size - 1, f)] = '\0';
	fclose(f);
}

static void read_printing(struct got *g, const char *args, const char *env, bool tty, FILE *out)
{
	FILE *err = tmpfile();
	int kept = dup(STDERR_FILENO);

	ck_assert(err && out && kept >= 0);
	words_split(&g->args, "cio-import", args);
	words_split(&g->env, NULL, env);
	fflush(stderr);
	ck_assert(dup2(fileno(err), STDERR_FILENO) >= 0);
	g->result = options_read(g->args.count, g->args.words, g->env.words, tty, out, &g->o,
	    &g->status);
	fflush(stderr);
	ck_assert(dup2(kept, STDERR_FILENO) >= 0);
	close(kept);
	slurp(err, g->said, sizeof g->said);
	ck_assert_msg(!strstr(g->said, SECRET), "%s %s: a secret was said: %s", env, args, g->said);
}

static void read_them(struct got *g, const char *args, const char *env, bool tty)
{
	FILE *out = tmpfile();

	read_printing(g, args, env, tty, out);
	slurp(out, g->printed, sizeof g->printed);
}

static void forget(struct got *g)
{
	options_free(&g->o);
	free(g->args.text);
	free(g->env.text);
}

static void write_file(const char *name, const char *text, mode_t mode)
{
	FILE *f = fopen(name, "w");

	ck_assert(f && fputs(text, f) >= 0 && fclose(f) == 0);
	ck_assert_int_eq(chmod(name, mode), 0);
}

/* Every test runs in a directory of its own, with a few files. */
static char *directory;

static void enter(void)
{
	char template[] = "/tmp/cio-options-XXXXXX";

	ck_assert(mkdtemp(template) != NULL);
	directory = xstrdup(template);
	ck_assert_int_eq(chdir(directory), 0);
	write_file("users.csv", "id\n1\n", 0644);
	write_file("other.csv", "id\n2\n", 0644);
	ck_assert_int_eq(mkdir("sub", 0700), 0);
	ck_assert_int_eq(symlink("users.csv", "link.csv"), 0);
	ck_assert_int_eq(mkfifo("pipe.csv", 0600), 0);
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

static void leave(void)
{
	ck_assert_int_eq(chdir("/"), 0);
	ck_assert_int_eq(nftw(directory, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
	free(directory);
}

static const char *or_none(const char *s)
{
	return s ? s : "none";
}

static void show_names(struct buf *b, const char *label, const char *const *names, size_t count)
{
	buf_fmt(b, "%s=", label);
	for (size_t i = 0; i < count; i++)
		buf_fmt(b, "%s%s", i ? "," : "", names[i]);
	buf_byte(b, '\n');
}

static void show_mapping(struct buf *b, const struct mapping_config *m)
{
	buf_str(b, "map=");
	for (size_t i = 0; i < m->rename_count; i++)
		buf_fmt(b, "%s%s>%s", i ? "," : "", m->renames[i].name, m->renames[i].value);
	buf_str(b, "\nset=");
	for (size_t i = 0; i < m->set_count; i++)
		buf_fmt(b, "%s%s>%s", i ? "," : "", m->sets[i].name, m->sets[i].value);
	buf_str(b, "\ntype=");
	for (size_t i = 0; i < m->type_count; i++)
		buf_fmt(b, "%s%s>%d", i ? "," : "", m->types[i].name, m->types[i].type);
	buf_byte(b, '\n');
	show_names(b, "only", m->only, m->only_count);
	show_names(b, "drop", m->drop, m->drop_count);
	buf_fmt(b, "id=%s\nid-type=%d\naction-field=%s\nempty=%d\ninfer=%d\nphone=%d\n",
	    or_none(m->id_field), m->id_type, or_none(m->action_field), m->empty, m->infer,
	    m->phone_identifies);
}

/* Every option as "name=value\n". */
static void show(struct buf *b, const struct options *o)
{
	buf_byte(b, '\n');
	show_names(b, "files", o->input.files, o->input.file_count);
	show_names(b, "columns", o->input.columns, o->input.column_count);
	const struct csv_dialect *d = &o->input.dialect;
	buf_fmt(b, "format=%d\ndelimiter=%d\n", o->input.format, d->delimiter);
	buf_fmt(b, "quote=%d\nescape=%d\ncomment=%d\ntrim=%d\nlines=%d\nnulls=", d->quote,
	    d->escape, d->comment, d->trim, (int)d->skip_lines);
	for (size_t i = 0; i < d->null_count; i++)
		buf_fmt(b, "%s%s", i ? "," : "", d->nulls[i]);
	buf_byte(b, '\n');
	show_mapping(b, &o->mapping);
	buf_fmt(b,
	    "action=%s\nevent=%s\nupdate-only=%d\nno-limits=%d\ndry-run=%d\nskip=%" PRIu64
	    "\nlimit=%" PRIu64 "\n",
	    action_name(o->action), or_none(o->event), o->update_only, o->no_limits, o->dry_run,
	    o->skip, o->limit);
	buf_fmt(b, "site=%s\nkey=%s\nurl=%s\nurl-given=%d\nca=%s\nproxies=%d\n",
	    or_none(o->site_id), or_none(o->api_key), o->url, o->url_given, or_none(o->ca_file),
	    o->proxies);
	buf_fmt(b, "batch=%d/%zu\nbatch-wait=%" PRId64 "\n", o->batch, o->batch_most,
	    o->batch_wait_us);
	buf_fmt(b,
	    "rate=%" PRId64 "/%" PRId64 "\nrecord-rate=%" PRId64 "/%" PRId64 "\nburst=%" PRIu64
	    "\nconcurrency=%u\nadapt=%d\n",
	    o->rate.num, o->rate.den, o->record_rate.num, o->record_rate.den, o->burst,
	    o->concurrency, !o->no_adapt);
	buf_fmt(b,
	    "retries=%u\nbackoff=%" PRId64 "\nbackoff-max=%" PRId64 "\njitter=%g\ntimeout=%" PRId64
	    "\ngive-up=%" PRId64 "\n",
	    o->retry.retries, o->retry.backoff_us, o->retry.backoff_max_us, o->retry.jitter,
	    o->timeout_us, o->give_up_us);
	buf_fmt(b, "max-errors=%" PRIu64 "/%g%%\nrejects=%s\nstate=%s\nrestart=%d\nkeep-state=%d\n",
	    o->max_errors, o->max_errors_percent, or_none(o->rejects), or_none(o->state),
	    o->restart, o->keep_state);
	buf_fmt(b, "sync=%s\nsync-deletes=%d\nmax-deletes=%" PRIu64 "/%g%%\nshard=%u/%u\n",
	    or_none(o->sync), o->sync_deletes, o->max_deletes, o->max_deletes_percent, o->shard,
	    o->shards);
	buf_fmt(b,
	    "progress=%d\nprogress-every=%" PRIu64 "\nresults=%s\nsummary=%s\nmetrics=%s\nquiet=%"
	    "d\nverbose=%d\n",
	    o->progress, o->progress_every, or_none(o->results), or_none(o->summary),
	    or_none(o->metrics), o->quiet, o->verbose);
	buf_byte(b, '\0');
}

/* The options hold every "name=value" of `want`. */
static void expect_options(const struct got *g, const char *want, const char *what)
{
	struct buf all, line;
	struct words wanted;

	ck_assert_msg(g->result == OPTIONS_RUN, "%s: refused (%d): %s", what, g->status, g->said);
	ck_assert_msg(!*g->said, "%s: said %s", what, g->said);
	buf_init(&all, 1 << 20);
	buf_init(&line, 1 << 16);
	show(&all, &g->o);
	words_split(&wanted, NULL, want);
	for (int i = 0; i < wanted.count; i++) {
		buf_reset(&line);
		buf_fmt(&line, "\n%s\n", wanted.words[i]);
		buf_byte(&line, '\0');
		ck_assert_msg(strstr(all.data, line.data) != NULL, "%s: not %s:%s", what,
		    wanted.words[i], all.data);
	}
	free(wanted.text);
	buf_free(&line);
	buf_free(&all);
}

/* Accepted. -n stands in front of every row's arguments, unless there are credentials in env. */
struct row {
	const char *args, *want;
	const char *env;
	const char *config;   /* text of --config=config */
	const char *env_file; /* text of the file env */
};

#define KEYS "CIO_SITE_ID=site CIO_API_KEY=key"

static void run_row(const struct row *row)
{
	struct got g;
	struct buf args;

	buf_init(&args, 1 << 16);
	buf_fmt(&args, "%s%s%s", row->env || row->env_file ? "" : "-n ",
	    row->config ? "--config=config " : "", row->args);
	buf_byte(&args, '\0');
	if (row->config)
		write_file("config", row->config, 0644);
	if (row->env_file)
		write_file("env", row->env_file, 0600);
	read_them(&g, args.data, row->env ? row->env : "", false);
	expect_options(&g, row->want, args.data);
	forget(&g);
	buf_free(&args);
}

static const struct row accepted[] = {
	/* the defaults */
	{ "users.csv",
	    .want =
	        "files=users.csv columns= format=0 delimiter=0 map= set= type= only= drop= id=none "
	        "id-type=-1 action-field=none "
	        "empty=0 infer=0 phone=0 action=identify event=none update-only=0 no-limits=0 "
	        "dry-run=0 skip=0 limit=0 "
	        "site=site key=key "
	        "url=https://track.customer.io url-given=0 ca=none proxies=0 batch=0/0 "
	        "batch-wait=1000000 rate=1/20000 record-rate=0/0 "
	        "burst=10 concurrency=0 adapt=1 retries=4 backoff=1000000 backoff-max=60000000 "
	        "jitter=0.25 timeout=10000000 "
	        "give-up=900000000 max-errors=0/0% rejects=users.rejected.csv "
	        "state=users.csv.cio-state restart=0 keep-state=0 sync=none "
	        "sync-deletes=-1 max-deletes=0/1% shard=0/0 progress=0 progress-every=1000 "
	        "results=none summary=none metrics=none "
	        "quiet=0 verbose=0",
	    .env = KEYS },
	/* forms */
	{ "--rate 5 users.csv", .want = "rate=1/200000 files=users.csv" },
	{ "-r5 users.csv", .want = "rate=1/200000" },
	{ "-r 5", .want = "rate=1/200000 files=-" },
	{ "users.csv -q other.csv", .want = "files=users.csv,other.csv quiet=1" },
	{ "-qc3 users.csv", .want = "quiet=1 concurrency=3" },
	{ "-c3 --concurrency=auto", .want = "concurrency=0" },
	{ "-q -- --rate=5 -v", .want = "files=--rate=5,-v rate=1/20000 verbose=0" },
	{ "--rate=5 --rate=10", .want = "rate=1/100000" },
	{ "- users.csv", .want = "files=-,users.csv rejects=none state=none" },
	/* input */
	{ "-f csv", .want = "format=1" },
	{ "--format=tsv", .want = "format=2" },
	{ "-fndjson", .want = "format=3" },
	{ "-f auto", .want = "format=0" },
	{ "--delimiter=;", .want = "delimiter=59" },
	{ "--delimiter=\\t", .want = "delimiter=9" },
	{ "--delimiter=\\s", .want = "delimiter=32" },
	{ "", .want = "quote=34 escape=0 comment=0 trim=0 lines=0 nulls=" },
	{ "--quote=none", .want = "quote=0" },
	{ "--id=ID", .want = "id=ID" },
	{ "--id=Email --id-type=email", .want = "id=Email" },
	{ "--id=email", .want = "id=email" },
	{ "--quote=none --comment=\"", .want = "quote=0 comment=34" },
	{ "--quote='", .want = "quote=39" },
	{ "--escape=^ --comment=#", .want = "escape=94 comment=35" },
	{ "--escape=\"", .want = "quote=34 escape=0" },
	{ "--trim --skip-lines=3 --null=NULL,n/a --null=-",
	    .want = "trim=1 lines=3 nulls=NULL,n/a,-" },
	{ "--columns=id,name", .want = "columns=id,name" },
	{ "--columns=id --columns=a,b", .want = "columns=id,a,b" },
	{ "--id=user", .want = "id=user id-type=-1" },
	{ "--id-type=cio_id", .want = "id-type=2" },
	{ "--id-type=cio-id", .want = "id-type=2" },
	{ "--map=a=b --map=c=d=e", .want = "map=a>b,c>d=e" },
	{ "--map=a=b --map=a=c", .want = "map=a>c" },
	{ "--set=a=1 --set=b=", .want = "set=a>1,b>" },
	{ "--set=a=1 --set=b=2 --set=a=3", .want = "set=a>3,b>2" },
	{ "--only=a,b --only=c --drop=d", .want = "only=a,b,c drop=d" },
	{ "--type=a:int,b:c:json --type=d:timestamp", .want = "type=a>1,b:c>5,d>4" },
	{ "--type=a:int,a:bool", .want = "type=a>3" },
	{ "--infer --empty=clear", .want = "infer=1 empty=1" },
	{ "--empty=null", .want = "empty=2" },
	{ "--skip=0 --limit=1", .want = "skip=0 limit=1" },
	/* action */
	{ "-a track --event=Signed\\sup", .want = "action=track" },
	{ "-a track_anonymous", .want = "action=track-anonymous" },
	{ "--action-field=what --event=x", .want = "action-field=what event=x" },
	{ "--update-only --no-limits", .want = "update-only=1 no-limits=1" },
	{ "-a entity --batch", .want = "action=entity batch=1/0 phone=1" },
	/* where to */
	{ "--region=eu", .want = "url=https://track-eu.customer.io url-given=0" },
	{ "--url=https://Proxy.Example.COM:8443/Path/",
	    .want = "url=https://proxy.example.com:8443/Path url-given=1" },
	{ "--url=http://127.0.0.1:8080", .want = "url=http://127.0.0.1:8080" },
	{ "--url=http://example.org --allow-http", .want = "url=http://example.org" },
	{ "--batch users.csv", .want = "batch=1/0 files=users.csv" },
	{ "--batch=7", .want = "batch=1/7" },
	{ "--batch=7 --batch", .want = "batch=1/0" },
	{ "--batch --id-type=phone", .want = "id-type=3" },
	{ "--batch --id=phone", .want = "id=phone" },
	{ "--id=phone --id-type=id", .want = "id-type=0" },
	{ "--batch-wait=250ms", .want = "batch-wait=250000" },
	{ "--batch-wait=0", .want = "batch-wait=0" },
	/* how fast */
	{ "-r unlimited", .want = "rate=0/0" },
	{ "--record-rate=600/m", .want = "record-rate=1/100000" },
	{ "--burst=1000000", .want = "burst=1000000" },
	{ "-c 1000 --no-adapt", .want = "concurrency=1000 adapt=0" },
	/* trouble */
	{ "--retries=0 --jitter=0 --timeout=1ms --give-up-after=0",
	    .want = "retries=0 jitter=0 timeout=1000 give-up=0" },
	{ "--backoff=2m", .want = "backoff=120000000 backoff-max=120000000" },
	{ "--backoff-max=500ms", .want = "backoff=500000 backoff-max=500000" },
	{ "--max-errors=1", .want = "max-errors=1/0%" },
	{ "--max-errors=0.5%", .want = "max-errors=0/0.5%" },
	/* files */
	{ "--rejects=r --state=s users.csv", .want = "rejects=r state=s", .env = KEYS },
	{ "--no-state users.csv", .want = "state=none", .env = KEYS },
	{ "--state=s --rejects=r", .want = "files=- state=s rejects=r", .env = KEYS },
	{ "--restart users.csv", .want = "restart=1", .env = KEYS },
	{ "--keep-state users.csv", .want = "keep-state=1", .env = KEYS },
	{ "--state=s", .want = "files=-", .env = KEYS, .config = "keep-state\n" },
	{ "sub/data.v1/users",
	    .want = "rejects=sub/data.v1/users.rejected state=sub/data.v1/users.cio-state",
	    .env = KEYS },
	{ "sub/.csv", .want = "rejects=sub/.csv.rejected", .env = KEYS },
	{ "a.b.csv", .want = "rejects=a.b.rejected.csv", .env = KEYS },
	{ "users. other.csv", .want = "rejects=users..rejected", .env = KEYS },
	{ "pipe.csv", .want = "rejects=none state=none", .env = KEYS },
	{ "pipe.csv --state=s", .want = "state=s", .env = KEYS },
	{ "--shard=2/4 users.csv",
	    .want = "rejects=users.rejected.2of4.csv state=users.csv.2of4.cio-state", .env = KEYS },
	{ "--results=- --summary=s --metrics=m", .want = "results=- summary=s metrics=m",
	    .env = KEYS },
	{ "-n --results=a --summary=b --metrics=c --rejects=d --state=e users.csv",
	    .want = "results=none summary=none metrics=none rejects=none state=none dry-run=1 "
	            "site=none" },
	{ "--results=/dev/null --summary=/dev/null --metrics=/dev/null",
	    .want = "results=/dev/null", .env = KEYS },
	/* syncs and shards */
	{ "--sync=f --sync-deletes=delete --max-deletes=5",
	    .want = "sync=f sync-deletes=5 max-deletes=5/0%" },
	{ "--sync=f --sync-deletes=suppress --max-deletes=0",
	    .want = "sync-deletes=6 max-deletes=0/0%" },
	{ "--sync=f --limit=5 --skip=1", .want = "sync=f sync-deletes=-1" },
	{ "--sync=f --batch --shard=1/2 --sync-deletes=delete", .want = "sync=f" },
	{ "--shard=1/1", .want = "shard=1/1 rate=1/20000 burst=10" },
	{ "--shard=3/4", .want = "shard=3/4 rate=1/80000 burst=2" },
	{ "--shard=10000/10000", .want = "rate=1/200000000 burst=1" },
	{ "--shard=1/4 --rate=80 --burst=7", .want = "rate=1/12500 burst=7" },
	{ "--shard=1/4 --rate-file=r", .want = "rate=1/20000 burst=10" },
	/* what it says */
	{ "--progress=json --progress-every=1", .want = "progress=3 progress-every=1" },
	{ "-v", .want = "verbose=1" },
	/* the environment */
	{ "", .want = "site=a key=b",
	    .env = "CUSTOMERIO_SITE_ID=a CUSTOMERIO_TRACK_API_KEY=b CIO_SITE_ID=c CIO_API_KEY=d" },
	{ "", .want = "site=c key=d",
	    .env = "CUSTOMERIO_SITE_ID= CUSTOMERIO_TRACK_API_KEY= CIO_SITE_ID=c CIO_API_KEY=d" },
	{ "", .want = "url=https://track-eu.customer.io", .env = KEYS " CIO_REGION=eu" },
	{ "", .want = "url=https://track.customer.io",
	    .env = KEYS " CUSTOMERIO_REGION=us CIO_REGION=eu" },
	{ "--region=us", .want = "url=https://track.customer.io",
	    .env = KEYS " CUSTOMERIO_REGION=eu" },
	{ "", .want = "url=http://localhost:1 url-given=1",
	    .env = KEYS " CUSTOMERIO_URL=http://localhost:1/ CUSTOMERIO_REGION=eu" },
	{ "--url=https://b", .want = "url=https://b", .env = KEYS " CUSTOMERIO_URL=https://a" },
	{ "--url=https://b/api/v1/", .want = "url=https://b", .env = KEYS },
	{ "", .want = "url=https://b", .env = KEYS " CUSTOMERIO_URL=https://b/api/v2" },
	{ "--url=https://b", .want = "url=https://b",
	    .env = KEYS " CUSTOMERIO_URL=x CUSTOMERIO_REGION=mars" },
	{ "--region=eu", .want = "url=https://track-eu.customer.io",
	    .env = KEYS " CUSTOMERIO_REGION=mars" },
	{ "--env-file=env", .want = "url=https://b", .env = KEYS " CUSTOMERIO_URL=x",
	    .env_file = "CUSTOMERIO_URL=https://b" },
	{ "", .want = "url=https://track.customer.io url-given=0",
	    .env = KEYS " CUSTOMERIO_URL= CUSTOMERIO_REGION= SSL_CERT_FILE= HTTPS_PROXY=" },
	{ "", .want = "ca=/dev/null proxies=0",
	    .env = KEYS " SSL_CERT_FILE=/dev/null NO_PROXY=x HTTP_PROXY=y" },
	{ "", .want = "proxies=1", .env = KEYS " http_proxy=x" },
	{ "", .want = "proxies=1", .env = KEYS " HTTPS_PROXY=x" },
	{ "", .want = "proxies=1", .env = KEYS " https_proxy=x" },
	{ "", .want = "proxies=1", .env = KEYS " ALL_PROXY=x" },
	{ "", .want = "proxies=1", .env = KEYS " all_proxy=x" },
	/* the env-file */
	{ "--env-file=env", .want = "site=a key=b",
	    .env_file = "CUSTOMERIO_SITE_ID=a\nCUSTOMERIO_TRACK_API_KEY=b\n" },
	{ "--env-file=env", .want = "site=a key=b",
	    .env_file = "\xef\xbb\xbf# keys\r\n\r\n export CIO_SITE_ID=a\r\n  CIO_API_KEY='b' # "
	                "it\r\nOTHER=x" },
	{ "--env-file=env", .want = "site=a#b key=c\"d$\\e",
	    .env_file = "CIO_SITE_ID=a#b # c\nCIO_API_KEY=\"c\\\"d\\$\\\\e\"" },
	{ "--env-file=env", .want = "site=a key=\\d",
	    .env_file = "export\tCIO_SITE_ID=\"a\"\nCIO_API_KEY='\\d'" },
	{ "--env-file=env", .want = "site=a key=k",
	    .env_file = "CIO_SITE_ID=b\nCUSTOMERIO_SITE_ID=a\nCIO_SITE_ID=c\nCIO_API_KEY=j\nCIO_"
	                "API_KEY=k" },
	{ "--env-file=env", .want = "site=a key=b\\\"c",
	    .env_file = "CIO_SITE_ID=a\nCIO_API_KEY='b\\\"c'" },
	{ "--env-file=env", .want = "site=a key=key", .env = KEYS,
	    .env_file = "CIO_SITE_ID=a\nCIO_API_KEY=\n" },
	{ "--env-file=env", .want = "site=a", .env = "CUSTOMERIO_SITE_ID=other CIO_API_KEY=k",
	    .env_file = "CIO_SITE_ID=a\n" },
	{ "--env-file=env", .want = "url=https://track-eu.customer.io",
	    .env = KEYS " CIO_REGION=us", .env_file = "CIO_REGION=eu" },
	{ "--env-file=env", .want = "url=https://b", .env = KEYS " CUSTOMERIO_URL=https://a",
	    .env_file = "CUSTOMERIO_URL=https://b" },
	{ "--env-file=env --url=https://c", .want = "url=https://c", .env = KEYS,
	    .env_file = "CUSTOMERIO_URL=https://b" },
	/* the configuration file */
	{ "", .want = "rate=1/200000 quiet=1 adapt=0 files=-",
	    .config = "rate = 5\n\n# comment\n  quiet\nno-adapt=true # it\n" },
	{ "", .want = "quiet=0 batch=0/0", .config = "quiet = false\nbatch = false\n" },
	{ "", .want = "batch=1/0", .config = "batch\n" },
	{ "", .want = "batch=1/0", .config = "batch = true\n" },
	{ "", .want = "batch=1/5", .config = "batch = 5\n" },
	{ "--batch", .want = "batch=1/0", .config = "batch = 5\n" },
	{ "--batch=9", .want = "batch=1/9", .config = "batch = false\n" },
	{ "--rate=5", .want = "rate=1/200000", .config = "rate = 6\n" },
	{ "--only=c --set=b=9", .want = "only=a,b,c set=a>1,b>9",
	    .config = "only = a,b\nset = a=1\nset = b=2\n" },
	{ "--type=a:bool", .want = "type=a>3,b>1", .config = "type = a:int,b:int\n" },
	{ "-a track", .want = "event=Order\\s#5", .config = "event = \"Order #5\"\n" },
	{ "", .want = "event=it's", .config = "event = it's # x\n" },
	{ "", .want = "event=x#y", .config = "event = x#y\n" },
	{ "", .want = "event=it's", .config = "event = it's # isn't it\n" },
	{ "", .want = "event=5\"", .config = "event = 5\" # inches\n" },
	{ "", .want = "event=x\\s\"y\"", .config = "event = x \"y\" # z \"\n" },
	{ "", .want = "set=note>a\\s#\\sb", .config = "set = \"note=a # b\"\n" },
	{ "", .want = "set=note>\"a#b\"", .config = "set = note=\"a#b\"\n" },
	{ "--quiet", .want = "quiet=1 verbose=0", .config = "verbose\n" },
	{ "--verbose", .want = "quiet=0 verbose=1", .config = "quiet\n" },
	{ "--state=s users.csv", .want = "state=s", .env = KEYS, .config = "no-state\n" },
	{ "--no-state users.csv", .want = "state=none", .env = KEYS, .config = "state = s\n" },
	{ "--format=ndjson",
	    .want = "format=3 delimiter=0 columns=", .config = "delimiter = ;\ncolumns = a,b\n" },
	{ "-a delete", .want = "event=none-of-it", .config = "event = none-of-it\n" },
	{ "", .want = "sync=none sync-deletes=-1",
	    .config = "sync-deletes = delete\nmax-deletes = 5%\n" },
	{ "--config=/dev/null", .want = "rate=1/20000", .config = "rate = 5\n" },
	{ "", .want = "url=https://track.customer.io", .env = KEYS " CIO_REGION=us",
	    .config = "region = eu\n" },
	{ "", .want = "url=https://a", .env = KEYS " CUSTOMERIO_URL=https://a",
	    .config = "region = eu\nurl = https://b\n" },
	{ "", .want = "site=a key=key", .env = "CIO_API_KEY=key", .config = "env-file = env\n",
	    .env_file = "CIO_SITE_ID=a\nCIO_API_KEY=b\nCIO_REGION=eu\n" },
	{ "", .want = "url=https://track.customer.io", .env = KEYS " CIO_REGION=us",
	    .config = "env-file = env\n", .env_file = "CIO_REGION=eu\n" },
	{ "", .want = "url=https://track-eu.customer.io", .env = KEYS,
	    .config = "env-file = env\nregion = us\n", .env_file = "CIO_REGION=eu\n" },
};

START_TEST(accepts)
{
	run_row(&accepted[_i]);
}
END_TEST

/* Refused, with this status and these words. */
static const struct {
	const char *args;
	int status;
	const char *words;
	const char *env, *config, *env_file;
} refused[] = {
	/* not an option */
	{ "--hlep", 64, .words = "\"--hlep\" is not an option: did you mean --help?" },
	{ "--rat=5", 64, .words = "\"--rat\" is not an option: did you mean --rate?" },
	{ "--conc=5", 64, .words = "did you mean --concurrency?" },
	{ "--update_only", 64, .words = "did you mean --update-only?" },
	{ "--zzzzzz", 64, .words = "\"--zzzzzz\" is not an option (" },
	{ "--site-id=" SECRET, 64, .words = "--env-file" },
	{ "--api-key " SECRET, 64, .words = "--env-file" },
	{ "-x", 64, .words = "\"-x\" is not an option" },
	{ "-qx", 64, .words = "\"-x\" is not an option" },
	{ "-q=", 64, .words = "\"-=\"" },
	{ "-\xff", 64, .words = "\\xff" },
	{ "--rate=5 -qx", 64, .words = "\"-x\" is not an option" },
	{ "--qui", 64, .words = "did you mean --quiet?" },
	{ "--qui=5", 64, .words = "--quiet" },
	{ "--rat", 64, .words = "--rate" },
	{ "--=5", 64, .words = "is not an option" },
	{ "--quiet=yes", 64, .words = "--quiet takes no value" },
	{ "--columns", 64, .words = "--columns needs a value: --columns=A,B,C" },
	{ "-r", 64, .words = "--rate needs a value" },
	{ "-qr", 64, .words = "--rate needs a value" },
	/* values */
	{ "--rate=fast", 64,
	    .words = "cio-import: --rate: \"fast\" is not a rate: give requests a second such as "
	             "50, 600/m or unlimited" },
	{ "--rate --burst", 64, .words = "\"--burst\" is not a rate" },
	{ "--rate=0", 64, .words = "rate" },
	{ "--rate=", 64, .words = "\"\" is not a rate" },
	{ "--record-rate=x", 64, .words = "--record-rate: \"x\" is not a rate" },
	{ "--rate=\x1b[2J", 64, .words = "\\x1b[2J" },
	{ "--burst=0", 64, .words = "from 1 to 1000000" },
	{ "--burst=1000001", 64, .words = "--burst" },
	{ "-c0", 64, .words = "from 1 to 1000" },
	{ "-c 1001", 64, .words = "--concurrency" },
	{ "-c Auto", 64, .words = "from 1 to 1000, or auto" },
	{ "-c 0", 64, .words = "from 1 to 1000, or auto" },
	{ "--retries=1001", 64, .words = "from 0 to 1000" },
	{ "--retries=-1", 64, .words = "\"-1\"" },
	{ "--jitter=1.1", 64, .words = "from 0 to 1" },
	{ "--jitter=x", 64, .words = "--jitter" },
	{ "--timeout=0", 64, .words = "too short" },
	{ "--backoff=0", 64, .words = "too short" },
	{ "--backoff-max=0.5ms", 64, .words = "too short: give at least 1ms" },
	{ "--timeout=10x", 64, .words = "is not a time" },
	{ "--backoff=2s --backoff-max=1s", 64, .words = "longer than --backoff-max" },
	{ "--give-up-after=-1", 64, .words = "is not a time" },
	{ "--batch-wait=x", 64, .words = "--batch-wait" },
	{ "--max-errors=0", 64, .words = "too little" },
	{ "--max-errors=101%", 64, .words = "--max-errors" },
	{ "--max-deletes=x", 64, .words = "--max-deletes" },
	{ "--skip=-1", 64, .words = "0 or more" },
	{ "--limit=0", 64, .words = "1 or more" },
	{ "--progress-every=0", 64, .words = "1 or more" },
	{ "--batch=0", 64, .words = "from 1 to 100000" },
	{ "--batch=100001", 64, .words = "--batch" },
	{ "--batch=true", 64, .words = "--batch" },
	{ "-f xml", 64,
	    .words = "\"xml\" is not a known format: give auto, csv, tsv, ndjson or json" },
	{ "-f cvs", 64, .words = "did you mean csv?" },
	{ "-a idenfity", 64,
	    .words = "\"idenfity\" is not a known action: did you mean identify?" },
	{ "-a trak", 64, .words = "did you mean track?" },
	{ "-a ident", 64, .words = "did you mean identify?" },
	{ "-a \"\"", 64, .words = "\"\" is not a known action" },
	{ "--region=mars", 64, .words = "us or eu" },
	{ "--progress=bra", 64, .words = "did you mean bar?" },
	{ "--empty=x", 64, .words = "skip, clear or null" },
	{ "--sync=f --sync-deletes=identify", 64, .words = "delete, suppress or segment-remove" },
	{ "--id-type=mail", 64, .words = "did you mean email?" },
	{ "--delimiter=", 64, .words = "--delimiter" },
	{ "--delimiter=ab", 64, .words = "one ASCII character" },
	{ "--delimiter=\"", 64, .words = "--delimiter and --quote are the same character" },
	{ "--quote=,", 64, .words = "--delimiter and --quote" },
	{ "--escape=; --delimiter=;", 64, .words = "--delimiter and --escape" },
	{ "--comment=\"", 64, .words = "--quote and --comment" },
	{ "--comment=^ --escape=^", 64, .words = "--escape and --comment" },
	{ "--comment=,", 64, .words = "--delimiter and --comment" },
	{ "--quote=", 64, .words = "or none" },
	{ "--escape=none", 64, .words = "one ASCII character" },
	{ "--escape=\n", 64, .words = "--escape" },
	{ "--null=", 64, .words = "--null" },
	{ "--skip-lines=x", 64, .words = "--skip-lines" },
	{ "--id=Email", 64, .words = "--id-type=email, or --id-type=id" },
	{ "--id=E-MAIL", 64, .words = "--id-type=email" },
	{ "--id=CIO_ID", 64, .words = "--id-type=cio_id" },
	{ "-f ndjson --quote=none", 64, .words = "--quote is for CSV" },
	{ "-f ndjson --trim", 64, .words = "--trim is for CSV" },
	{ "-f ndjson --null=x", 64, .words = "--null is for CSV" },
	{ "--delimiter=\n", 64, .words = "\\n" },
	{ "--delimiter=\xc3", 64, .words = "--delimiter" },
	{ "--delimiter=\r", 64, .words = "--delimiter" },
	{ "--columns=a,,b", 64, .words = "one of them is empty" },
	{ "--only=", 64, .words = "empty" },
	{ "--drop=a,", 64, .words = "empty" },
	{ "--columns=a,b,a", 64, .words = "names \"a\" twice" },
	{ "--only=\xff", 64, .words = "is not UTF-8" },
	{ "--set=a=\xff", 64, .words = "is not UTF-8" },
	{ "--event=\xff -a track", 64, .words = "is not UTF-8" },
	{ "--map=a", 64, .words = "\"a\" is not FROM=TO" },
	{ "--map==b", 64, .words = "FROM=TO" },
	{ "--map=a=", 64, .words = "FROM=TO" },
	{ "--set=a", 64, .words = "is not FIELD=VALUE" },
	{ "--type=a", 64, .words = "FIELD:TYPE" },
	{ "--type=:int", 64, .words = "FIELD:TYPE" },
	{ "--type=a:integr", 64, .words = "is not a type" },
	{ "--type=a:itn", 64, .words = "did you mean int?" },
	{ "--id=", 64, .words = "empty" },
	{ "--rejects=", 64, .words = "empty" },
	{ "--rejects=-", 64, .words = "--rejects: \"-\" is no file" },
	{ "--summary=-", 64, .words = "./-" },
	{ "--shard=0/4", 64, .words = "is not I/N" },
	{ "--shard=5/4", 64, .words = "--shard" },
	{ "--shard=1", 64, .words = "--shard" },
	{ "--shard=1/0", 64, .words = "--shard" },
	{ "--shard=1/10001", 64, .words = "--shard" },
	{ "--shard=/4", 64, .words = "--shard" },
	{ "--shard=1/", 64, .words = "--shard" },
	{ "--shard=11111111111111111111111111111/4", 64, .words = "--shard" },
	{ "--completion=tcsh", 64, .words = "bash, zsh or fish" },
	/* what does not go together */
	{ "-q -v", 64, .words = "--quiet and --verbose exclude each other" },
	{ "--state=s --no-state", 64, .words = "exclude each other" },
	{ "--batch -a track-anonymous", 64, .words = "cannot be batched" },
	{ "--id-type=phone", 64, .words = "add --batch" },
	{ "--id=phone", 64, .words = "or --id-type=id" },
	{ "--object-type=1", 64, .words = "--object-type needs --action=object" },
	{ "--object-type=1 -a merge", 64, .words = "--object-type needs" },
	{ "--object-type= -a object", 64, .words = "its value is empty" },
	{ "--segment=7", 64, .words = "--segment needs --action=segment-add or segment-remove" },
	{ "-a segment-add --segment=seven", 64, .words = "\"seven\" is not a segment's number" },
	{ "-a segment-add --segment=0", 64, .words = "is not a segment's number" },
	{ "-a segment-add --segment=7 --id=phone", 64,
	    .words = "people are named by id, email or cio_id here" },
	{ "-a segment-add --sync=s", 64, .words = "--sync keeps one segment: say which" },
	{ "-a segment-remove --segment=7 --sync=s", 64,
	    .words = "--sync goes with --action=identify or segment-add alone" },
	{ "-a segment-add --segment=7 --sync=s --sync-deletes=delete", 64,
	    .words = "--sync-deletes=delete does not go with --action=segment-add" },
	{ "--sync=s --sync-deletes=segment-remove", 64, .words = "give delete or suppress" },
	{ "--suppression=blocks", 64, .words = "--suppression needs --action=esp-suppress" },
	{ "-a esp-suppress --suppression=block", 64, .words = "did you mean blocks?" },
	{ "-a esp-suppress --id-type=id", 64, .words = "these lists are of email addresses" },
	{ "-a esp-suppress --id-type=phone", 64, .words = "these lists are of email addresses" },
	{ "--sample=5", 64, .words = "--sample needs --action=verify" },
	{ "-a verify --sample=0", 64, .words = "is too little" },
	{ "-a verify --id=phone", 64, .words = "people are named by id, email or cio_id here" },
	{ "--message=4", 64,
	    .words = "--message needs --action=send-email, send-push or send-sms" },
	{ "-a verify --draft", 64, .words = "--draft needs --action=send-email" },
	{ "-a send-email --message=4 --no-state", 64, .words = "leave --no-state out" },
	{ "-a send-sms --message=4 -", 64, .words = "name a file for that with --state=FILE" },
	{ "-a send-push --message=4 --batch", 64, .words = "--batch does not go with" },
	{ "-a send-email --message=4 --id=phone", 64,
	    .words = "people are named by id, email or cio_id here" },
	{ "--broadcast=4", 64, .words = "--broadcast needs --action=broadcast" },
	{ "--ignore-missing", 64, .words = "--ignore-missing needs --action=broadcast" },
	{ "-a broadcast", 64, .words = "--action=broadcast needs --broadcast=ID" },
	{ "-a broadcast --broadcast=x", 64, .words = "is not a broadcast's number" },
	{ "-a broadcast --broadcast=4 --no-state", 64, .words = "leave --no-state out" },
	{ "--event=x", 64, .words = "--event needs --action=track" },
	{ "--event=x -a delete", 64, .words = "--event needs" },
	{ "--columns=a -f ndjson", 64, .words = "--columns is for CSV" },
	{ "-f ndjson --delimiter=;", 64, .words = "--delimiter is for CSV" },
	{ "--sync=f -a track", 64, .words = "--sync goes with --action=identify" },
	{ "--sync=f --action-field=x", 64, .words = "not with --action-field" },
	{ "--sync-deletes=delete", 64, .words = "--sync-deletes needs --sync" },
	{ "--max-deletes=5", 64, .words = "--max-deletes needs" },
	{ "--sync=f --max-deletes=5", 64, .words = "--max-deletes needs --sync-deletes" },
	{ "--sync=f --sync-deletes=delete --limit=5", 64, .words = "--limit" },
	{ "--sync=f --sync-deletes=delete --skip=5", 64, .words = "--skip" },
	{ "--restart", 64, .words = "--restart" },
	{ "--restart --no-state users.csv", 64, .words = "--restart" },
	{ "--keep-state", 64, .words = "--keep-state: no progress is kept here" },
	{ "--keep-state --no-state users.csv", 64, .words = "--state=FILE" },
	{ "-n --results=-", 64, .words = "standard output" },
	{ "- -", 64, .words = "standard input" },
	{ "users.csv \"\"", 64, .words = "empty" },
	/* files that are two things */
	{ "--rejects=users.csv users.csv", 64, .words = "--rejects: users.csv is an input" },
	{ "--rejects=./users.csv users.csv", 64, .words = "is an input" },
	{ "--rejects=link.csv users.csv", 64, .words = "is an input" },
	{ "--state=sub/../other.csv users.csv other.csv", 64, .words = "is an input" },
	{ "users.csv users.rejected.csv", 64,
	    .words = "--rejects: users.rejected.csv is an input" },
	{ "users.csv sub/../users.rejected.csv", 64, .words = "is an input" },
	{ "--rejects=a --state=a", 64, .words = "--state: a is what --rejects writes to" },
	{ "--rejects=a --results=./a", 64, .words = "--results: ./a is what --rejects" },
	{ "--rejects=a --summary=sub/../a", 64, .words = "--summary" },
	{ "--metrics=a --summary=a", 64, .words = "--metrics" },
	{ "--sync=a --state=a", 64, .words = "--sync" },
	{ "--state=users.rejected.csv users.csv", 64, .words = "--state" },
	{ "--results=users.csv users.csv", 64, .words = "--results" },
	/* where to */
	{ "--url=http://example.org", 78, .words = "--allow-http" },
	{ "--url=http://127.0.0.1.example.org", 78, .words = "--allow-http" },
	{ "--url=https://me:" SECRET "@track.customer.io", 78, .words = "user name" },
	{ "--url=ftp://x", 78, .words = "https://" },
	{ "--url=", 78, .words = "https://" },
	{ "--url=https://h?" SECRET, 78, .words = "query" },
	{ "", 78, .words = "CUSTOMERIO_URL: the address holds a user name",
	    .env = KEYS " CUSTOMERIO_URL=https://u:" SECRET "@h" },
	{ "", 78, .words = "http://", .env = KEYS " CUSTOMERIO_URL=http://example.org" },
	{ "", 78, .words = "CIO_REGION: \"mars\" is not a known region",
	    .env = KEYS " CIO_REGION=mars" },
	{ "--region=eu", 64, .words = "a region is asked for",
	    .env = KEYS " CUSTOMERIO_URL=https://a" },
	{ "", 78, .words = "a region is asked for, but the configuration",
	    .env = KEYS " CIO_REGION=eu", .config = "url = https://a\n" },
	/* credentials */
	{ "users.csv", 78, .words = "CUSTOMERIO_SITE_ID and CUSTOMERIO_TRACK_API_KEY are not set",
	    .env = "" },
	{ "users.csv", 78, .words = "CUSTOMERIO_TRACK_API_KEY is not set",
	    .env = "CIO_SITE_ID=" SECRET },
	{ "", 78, .words = "CUSTOMERIO_SITE_ID is not set", .env = "CIO_API_KEY=" SECRET },
	{ "", 78, .words = "are not set", .env = "CUSTOMERIO_SITE_ID= CIO_API_KEY=" },
	{ "", 78, .words = "CIO_SITE_ID holds a character",
	    .env = "CIO_SITE_ID=" SECRET ":x CIO_API_KEY=b" },
	{ "", 78, .words = "CIO_API_KEY holds a character",
	    .env = "CIO_SITE_ID=a CIO_API_KEY=" SECRET "\n" },
	{ "", 78, .words = "holds a char", .env = "CIO_SITE_ID=a CIO_API_KEY=" SECRET "\\sx" },
	{ "", 78, .words = "holds a char", .env = "CIO_SITE_ID=a CIO_API_KEY=" SECRET "\xc3\xa4" },
	/* the env-file */
	{ "--env-file=gone", 78, .words = "gone: cannot open this env-file: No such file" },
	{ "--env-file=sub", 78, .words = "neither a regular file nor a pipe" },
	{ "--env-file=/dev/null", 78, .words = "neither" },
	{ "--env-file=env", 78, .words = "env:2: this line is not NAME=VALUE",
	    .env_file = "CIO_SITE_ID=a\n" SECRET "\n" },
	{ "--env-file=env", 78, .words = "env:1: this line is not NAME=VALUE",
	    .env_file = "CIO_SITE_ID = " SECRET "\n" },
	{ "--env-file=env", 78, .words = "env:1: a quote is not closed",
	    .env_file = "CIO_SITE_ID='" SECRET "\n" },
	{ "--env-file=env", 78, .words = "env:1: something follows the closing quote",
	    .env_file = "CIO_SITE_ID='a'" SECRET "\n" },
	{ "--env-file=env", 78, .words = "env:3: CIO_REGION: \"mars\" is not",
	    .env_file = "\n\nCIO_REGION=mars\n" },
	{ "--env-file=env", 78, .words = "env:1: CUSTOMERIO_URL: the address holds a user name",
	    .env_file = "CUSTOMERIO_URL=https://u:" SECRET "@h\n" },
	/* the configuration file */
	{ "--config=gone", 78, .words = "gone: cannot open this configuration file" },
	{ "--config=sub", 78, .words = "sub: this configuration file is not used" },
	{ "", 78, .words = "config:2: rat is not an option: did you mean rate?",
	    .config = "\nrat = 5\n" },
	{ "", 78, .words = "config:1: zzzzzz is not an option (", .config = "zzzzzz\n" },
	{ "", 78, .words = "config:1: rate: \"fast\" is not a rate", .config = "rate = fast\n" },
	{ "", 78, .words = "config:1: rate needs a value: rate = N", .config = "rate\n" },
	{ "", 78, .words = "config:1: quiet: \"yes\" is not true or false",
	    .config = "quiet = yes\n" },
	{ "", 78, .words = "config:1: help belongs on the command line", .config = "help\n" },
	{ "", 78, .words = "restart belongs", .config = "restart = true" },
	{ "", 78, .words = "config belongs", .config = "config = x" },
	{ "", 78, .words = "completion belongs", .config = "completion = x" },
	{ "", 78, .words = "config:1: this line is not name = value", .config = "rate: 5\n" },
	{ "", 78, .words = "config:1: this line is not name = value", .config = "= " SECRET "\n" },
	{ "", 78, .words = "config:1: a quote is not closed", .config = "event = \"x\n" },
	{ "", 78, .words = "config:1: a # stands inside quotes",
	    .config = "set = note=\"a # b\"\n" },
	{ "", 78, .words = "put all of it in quotes (\"NAME=A # B\")",
	    .config = "set = note='a # b'\n" },
	{ "", 78, .words = "config:1: a # stands inside quotes",
	    .config = "set = data={\"a\": \"b # c\"}\n" },
	{ "--env-file=env", 78, .words = "env:1: a # stands inside quotes",
	    .env_file = "CIO_SITE_ID=" SECRET "\"a # b\"\n" },
	{ "", 78, .words = "config:1: --rate", .config = "--rate = 5\n" },
	{ "", 78, .words = "config:2: credentials do not belong",
	    .config = "quiet\nsite_id = " SECRET "\n" },
	{ "", 78, .words = "credentials", .config = "api_key=" SECRET "\n" },
	{ "", 78, .words = "credentials", .config = "CUSTOMERIO_TRACK_API_KEY=" SECRET "\n" },
	{ "", 78, .words = "credentials", .config = "cio-api-key: " SECRET "\n" },
	{ "", 78, .words = "credentials", .config = "api-key " SECRET "\n" },
	{ "", 78, .words = "config:1: url: the address holds a user name",
	    .config = "url = https://u:" SECRET "@h\n" },
	{ "", 78, .words = "config:1: columns: ", .config = "columns = a,,b\n" },
	{ "", 78, .words = "config:1: event: its value is empty", .config = "event =\n" },
	{ "", 64, .words = "--quiet and --verbose", .config = "quiet\nverbose\n" },
};

START_TEST(refuses)
{
	struct got g;
	struct buf args;
	const char *what = refused[_i].args;

	buf_init(&args, 1 << 16);
	buf_fmt(&args, "%s%s", refused[_i].config ? "--config=config " : "", what);
	buf_byte(&args, '\0');
	if (refused[_i].config)
		write_file("config", refused[_i].config, 0644);
	if (refused[_i].env_file)
		write_file("env", refused[_i].env_file, 0600);
	read_them(&g, args.data, refused[_i].env ? refused[_i].env : KEYS, false);
	ck_assert_msg(g.result == OPTIONS_REFUSED, "%s: accepted", what);
	ck_assert_msg(g.status == refused[_i].status, "%s: %d: %s", what, g.status, g.said);
	ck_assert_msg(strstr(g.said, refused[_i].words) != NULL, "%s: no \"%s\": %s", what,
	    refused[_i].words, g.said);
	ck_assert_msg(strncmp(g.said, "cio-import: ", 12) == 0 &&
	        strchr(g.said, '\n') == g.said + strlen(g.said) - 1,
	    "%s: not one line: %s", what, g.said);
	bool with_hint = strstr(g.said, "(cio-import --help lists the options)\n") != NULL;
	ck_assert_msg((g.status == 64) == with_hint, "%s: %s", what, g.said);
	ck_assert_str_eq(g.printed, "");
	forget(&g);
	buf_free(&args);
}
END_TEST

/* Who may read the env-file. */
static const struct {
	mode_t mode;
	bool in_credentials;
	bool good;
} modes[] = {
	{ 0600, false, true },
	{ 0400, false, true },
	{ 0700, false, true },
	{ 0640, false, false },
	{ 0604, false, false },
	{ 0610, false, false },
	{ 0601, false, false },
	{ 0620, false, false },
	{ 0602, false, false },
	{ 0644, false, false },
	{ 0440, false, false },
	{ 0400, true, true },
	{ 0440, true, true },
	{ 0460, true, false },
	{ 0450, true, false },
	{ 0444, true, false },
	{ 0442, true, false },
	{ 0441, true, false },
};

START_TEST(env_file_mode)
{
	struct got g;
	char env[200];

	write_file("sub/env", "CIO_SITE_ID=a\nCIO_API_KEY=" SECRET "\n", modes[_i].mode);
	snprintf(env, sizeof env, "X=y%s",
	    modes[_i].in_credentials ? " CREDENTIALS_DIRECTORY=./sub/" : "");
	read_them(&g, "--env-file=sub/env", env, false);
	ck_assert_msg((g.result == OPTIONS_RUN) == modes[_i].good, "%03o: %s",
	    (unsigned)modes[_i].mode, g.said);
	ck_assert_msg(modes[_i].good || (g.status == 78 && strstr(g.said, "chmod 600")), "%03o: %s",
	    (unsigned)modes[_i].mode, g.said);
	forget(&g);
}
END_TEST

/* The directory of credentials excuses nothing elsewhere. */
START_TEST(env_file_beside_credentials)
{
	struct got g;

	write_file("env", "CIO_SITE_ID=a\nCIO_API_KEY=b\n", 0440);
	read_them(&g, "--env-file=./env", "CREDENTIALS_DIRECTORY=sub", false);
	ck_assert_int_eq(g.status, 78);
	forget(&g);
}
END_TEST

START_TEST(env_file_size)
{
	char *text = xmalloc(65536 + 2);
	struct got g;

	for (size_t n = 65536; n <= 65537; n++) {
		memset(text, '#', n);
		text[n] = '\0';
		memcpy(text, "CIO_SITE_ID=a\nCIO_API_KEY=b\n", 28);
		write_file("env", text, 0600);
		read_them(&g, "--env-file=env", "", false);
		ck_assert_msg((g.result == OPTIONS_RUN) == (n == 65536), "%zu: %s", n, g.said);
		ck_assert_msg(n == 65536 || strstr(g.said, "longer than 65536 bytes"), "%s",
		    g.said);
		forget(&g);
	}
	free(text);
}
END_TEST

START_TEST(env_file_with_nul)
{
	struct got g;
	FILE *f = fopen("env", "w");

	ck_assert(f && chmod("env", 0600) == 0 && fwrite("CIO_SITE_ID=a\0b\n", 1, 16, f) == 16 &&
	    fclose(f) == 0);
	read_them(&g, "--env-file=env", "", false);
	ck_assert_int_eq(g.status, 78);
	ck_assert(strstr(g.said, "NUL") != NULL);
	forget(&g);
}
END_TEST

/* As with --env-file=<(...): what comes through a pipe is as good as a file. */
START_TEST(env_file_pipe)
{
	static const char text[] = "CIO_SITE_ID=a\nCIO_API_KEY=b\n";
	int fds[2];
	struct got g;
	char args[64];

	ck_assert_int_eq(pipe(fds), 0);
	ck_assert(write(fds[1], text, sizeof text - 1) == (ssize_t)sizeof text - 1);
	close(fds[1]);
	snprintf(args, sizeof args, "--env-file=/dev/fd/%d", fds[0]);
	read_them(&g, args, "", false);
	close(fds[0]);
	expect_options(&g, "site=a key=b", args);
	forget(&g);
}
END_TEST

/* The configuration file that is there without being named. */
static const struct {
	const char *env;
	const char *path;
	bool found;
} homes[] = {
	{ "XDG_CONFIG_HOME=%s/x HOME=%s/h", "x/cio-import/config", true },
	{ "HOME=%s/h", "h/.config/cio-import/config", true },
	{ "XDG_CONFIG_HOME= HOME=%s/h", "h/.config/cio-import/config", true },
	/* a relative one is no one */
	{ "XDG_CONFIG_HOME=x HOME=%s/h", "h/.config/cio-import/config", true },
	{ "XDG_CONFIG_HOME=%s/x HOME=%s/h", "h/.config/cio-import/config", false },
	{ "XDG_CONFIG_HOME=%s/users.csv HOME=%s/h", NULL, false },
	{ "A=b", "h/.config/cio-import/config", false },
};

static void make_directories(const char *path)
{
	char *copy = xstrdup(path);

	for (char *slash = strchr(copy, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		ck_assert_int_eq(mkdir(copy, 0700), 0);
		*slash = '/';
	}
	free(copy);
}

START_TEST(default_config)
{
	struct buf env;
	struct got g;

	buf_init(&env, 1000);
	for (const char *p = homes[_i].env; *p; p++)
		if (strncmp(p, "%s", 2) == 0) {
			buf_str(&env, directory);
			p++;
		} else {
			buf_byte(&env, *p);
		}
	buf_byte(&env, '\0');
	if (homes[_i].path) {
		make_directories(homes[_i].path);
		write_file(homes[_i].path, "rate = 5\n", 0644);
	}
	read_them(&g, "-n", env.data, false);
	expect_options(&g, homes[_i].found ? "rate=1/200000" : "rate=1/20000", env.data);
	forget(&g);
	read_them(&g, "-n --config=/dev/null", env.data, false);
	expect_options(&g, "rate=1/20000", env.data);
	forget(&g);
	buf_free(&env);
}
END_TEST

/* One that is there and cannot be read is not passed over. */
START_TEST(default_config_unreadable)
{
	struct got g;
	char env[200];

	make_directories("x/cio-import/config/");
	snprintf(env, sizeof env, "XDG_CONFIG_HOME=%s/x", directory);
	read_them(&g, "-n", env, false);
	ck_assert_int_eq(g.result, OPTIONS_REFUSED);
	ck_assert_int_eq(g.status, 78);
	forget(&g);
}
END_TEST

START_TEST(no_file_at_a_terminal)
{
	struct got g;

	read_them(&g, "", KEYS, true);
	ck_assert_int_eq(g.result, OPTIONS_REFUSED);
	ck_assert_int_eq(g.status, 64);
	ck_assert(strncmp(g.said, "Usage: cio-import", 17) == 0);
	ck_assert_str_eq(g.printed, "");
	forget(&g);
	read_them(&g, "-", KEYS, true);
	ck_assert_int_eq(g.result, OPTIONS_RUN);
	forget(&g);
	read_them(&g, "users.csv", KEYS, true);
	ck_assert_int_eq(g.result, OPTIONS_RUN);
	forget(&g);
}
END_TEST

/* --help and its like need nothing else, and end the reading. */
static const struct {
	const char *args;
	const char *begins;
} printed[] = {
	{ "--version", "cio-import " VERSION "\n" },
	{ "-V", "cio-import " VERSION "\n" },
	{ "--help", "Usage: cio-import [OPTION]... [FILE]...\n" },
	{ "-h", "Usage:" },
	{ "-qh --bogus", "Usage:" },
	{ "users.csv -V --rate=x", "cio-import " VERSION },
	{ "--rate=x --help", "Usage:" },
	{ "--completion=bash", "# Completion of cio-import for bash" },
	{ "--completion zsh", "#compdef cio-import\n" },
	{ "--completion=fish", "# Completion of cio-import for fish" },
};

START_TEST(prints)
{
	struct got g;

	read_them(&g, printed[_i].args, "", true);
	ck_assert_msg(g.result == OPTIONS_DONE, "%s: %s", printed[_i].args, g.said);
	ck_assert_str_eq(g.said, "");
	ck_assert_msg(strncmp(g.printed, printed[_i].begins, strlen(printed[_i].begins)) == 0, "%s",
	    g.printed);
	forget(&g);
}
END_TEST

START_TEST(prints_to_a_full_disk)
{
	FILE *full = fopen("/dev/full", "w");
	struct got g;

	read_printing(&g, "--help", "", false, full);
	ck_assert_int_eq(g.result, OPTIONS_REFUSED);
	ck_assert_int_eq(g.status, 73);
	ck_assert_str_eq(g.said, "cio-import: standard output cannot be written\n");
	forget(&g);
	fclose(full);
}
END_TEST

/* The names that parsing knows are those of the rooms that use them. */
START_TEST(values_match_their_enums)
{
	const char *const *actions = options_table[OPTION_ACTION].values;

	for (int a = 0; a < ACTION_COUNT; a++)
		ck_assert_str_eq(actions[a], action_name((enum action)a));
	ck_assert_ptr_null(actions[ACTION_COUNT]);
	ck_assert_str_eq(options_table[OPTION_FORMAT].values[INPUT_NDJSON], "ndjson");
	ck_assert_str_eq(options_table[OPTION_ID_TYPE].values[ID_PHONE], "phone");
	ck_assert_str_eq(options_table[OPTION_EMPTY].values[EMPTY_NULL], "null");
	ck_assert_str_eq(options_table[OPTION_PROGRESS].values[PROGRESS_NONE], "none");
}
END_TEST

/* Anything may stand on the command line: it is accepted or refused with a status, and nothing
 * breaks. */
START_TEST(random_command_lines)
{
	static const char *const pieces[] = {
		"--",
		"-",
		"=",
		",",
		":",
		"/",
		"%",
		"rate",
		"r",
		"n",
		"q",
		"v",
		"batch",
		"5",
		"0",
		"-1",
		"1e9",
		"us",
		"eu",
		"map",
		"a=b",
		"set",
		"type",
		"int",
		"columns",
		"shard",
		"1/2",
		"url",
		"http://",
		"https://",
		"localhost",
		"@",
		"[::1]",
		"env-file",
		"config",
		"users.csv",
		"sync",
		"action",
		"track",
		"action-field",
		"\xff",
		"\n",
		"99999999999999999999999",
		"state",
		"results",
		"delimiter",
		"\\t",
		"no-state",
		"restart",
		"id",
		"phone",
	};
	struct dice dice = dice_new("random_command_lines");

	for (int round = 0; round < 3000; round++) {
		struct buf args;
		struct got g;
		buf_init(&args, 1 << 16);
		for (int64_t word = dice_below(&dice, 6); word >= 0; word--) {
			buf_str(&args, dice_one_in(&dice, 2) ? " --" : " ");
			for (int64_t n = dice_below(&dice, 4); n >= 0; n--)
				buf_str(&args, pieces[dice_below(&dice, COUNT(pieces))]);
		}
		buf_byte(&args, '\0');
		read_them(&g, args.data, dice_one_in(&dice, 2) ? KEYS : "", dice_one_in(&dice, 4));
		ck_assert_msg(g.result != OPTIONS_REFUSED || g.status == 64 || g.status == 78,
		    "%s: %d", args.data, g.status);
		ck_assert_msg((g.result == OPTIONS_REFUSED) == (g.said[0] != '\0'), "%s: %s",
		    args.data, g.said);
		forget(&g);
		buf_free(&args);
	}
}
END_TEST

Suite *options_suite(void);
Suite *options_suite(void)
{
	Suite *s = suite_create("options");
	TCase *t = tcase_create("options");

	tcase_set_timeout(t, 120);
	tcase_add_checked_fixture(t, enter, leave);
	tcase_add_loop_test(t, accepts, 0, COUNT(accepted));
	tcase_add_loop_test(t, refuses, 0, COUNT(refused));
	tcase_add_loop_test(t, env_file_mode, 0, COUNT(modes));
	tcase_add_test(t, env_file_beside_credentials);
	tcase_add_test(t, env_file_size);
	tcase_add_test(t, env_file_with_nul);
	tcase_add_test(t, env_file_pipe);
	tcase_add_loop_test(t, default_config, 0, COUNT(homes));
	tcase_add_test(t, default_config_unreadable);
	tcase_add_test(t, no_file_at_a_terminal);
	tcase_add_loop_test(t, prints, 0, COUNT(printed));
	tcase_add_test(t, prints_to_a_full_disk);
	tcase_add_test(t, values_match_their_enums);
	tcase_add_test(t, random_command_lines);
	suite_add_tcase(s, t);
	return s;
}
