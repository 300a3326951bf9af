/* A process is begun, killed and put away with its stack, its memory and its static variables. */
#include "sim_proc.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

#include "sim_calls.h"
#include "sim_files.h"
#include "sim_memory.h"
#include "sim_net.h"
#include "sim_sqlite.h"
#include "sim_time.h"
#include "sim_trace.h"

#define STACK ((size_t)1 << 20)
#define AT_ONCE 4 /* processes */

/* What only this file knows of a process. */
struct proc_inside {
	ucontext_t context;
	struct memory *memory;
	char *stack;
	char *statics;
	const char *const *argv;
	const char *const *environment;
	bool waits, woken; /* until something comes */
	bool sleeps;       /* until the time, whatever comes */
	int64_t until;
};

/* The program's static variables: the linker knows where its two sections are. */
extern char __start_program_data[], __stop_program_data[];
extern char __start_program_bss[], __stop_program_bss[];

char **sim_environ;

static struct {
	struct proc *alive[AT_ONCE];
	size_t count;
	struct proc *current, *loaded; /* loaded: whose static variables are in place */
	ucontext_t world;
	char *pristine; /* the static variables of a process that has not begun */
	struct proc_inside *spare[AT_ONCE];
	size_t spare_count;
	size_t turn;  /* whose it is, of those alive */
	size_t ended; /* how many ever have */
} m;

/* -- static variables -- */

static size_t data_size(void)
{
	return (uintptr_t)__stop_program_data - (uintptr_t)__start_program_data;
}

static size_t bss_size(void)
{
	return (uintptr_t)__stop_program_bss - (uintptr_t)__start_program_bss;
}

/* As memcpy, which a sanitizer would not let between the variables. */
__attribute__((no_sanitize("address"))) static void copy(char *to, const char *from, size_t n)
{
	volatile char *out = to;

	for (size_t i = 0; i < n; i++)
		out[i] = from[i];
}

static void save_statics(char *to)
{
	copy(to, __start_program_data, data_size());
	copy(to + data_size(), __start_program_bss, bss_size());
}

static void load_statics(const char *from)
{
	copy(__start_program_data, from, data_size());
	copy(__start_program_bss, from + data_size(), bss_size());
}

/* -- beginning and end -- */

#ifdef __SANITIZE_ADDRESS__
void __asan_unpoison_memory_region(const volatile void *at, size_t n);

/* What a killed process had on its stack is marked as not to be touched. */
static void clean_stack(struct proc_inside *in)
{
	__asan_unpoison_memory_region(in->stack, STACK);
}
#else
static void clean_stack(struct proc_inside *in)
{
	(void)in;
}
#endif

static struct proc_inside *inside_get(void)
{
	if (m.spare_count) {
		clean_stack(m.spare[m.spare_count - 1]);
		return m.spare[--m.spare_count];
	}
	struct proc_inside *in = xcalloc(1, sizeof *in);
	in->memory = memory_new();
	in->stack = mmap(NULL, STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (in->stack == MAP_FAILED || mprotect(in->stack, 4096, PROT_NONE) != 0)
		abort();
	in->statics = xmalloc(data_size() + bss_size() + 1);
	return in;
}

static void inside_give(struct proc_inside *in)
{
	memory_forget(in->memory);
	m.spare[m.spare_count++] = in;
}

/* Files are closed, what is in memory is gone. */
static void bury(struct proc *p)
{
	p->ended = time_now();
	m.ended++;
	p->held_most = memory_most(p->inside->memory);
	p->held_end = memory_held(p->inside->memory);
	net_leave(p);
	files_close_all(p);
	inside_give(p->inside);
	p->inside = NULL;
	for (size_t i = 0; i < m.count; i++)
		if (m.alive[i] == p)
			m.alive[i--] = m.alive[--m.count];
	if (m.loaded == p)
		m.loaded = NULL;
}

/* The current process is never heard of again. */
static void __attribute__((noreturn)) leave(void)
{
	m.current = NULL;
	setcontext(&m.world);
	abort();
}

void proc_exit(int status)
{
	struct proc *p = m.current;

	p->state = PROC_EXITED;
	p->status = status;
	leave();
}

static void entry(void)
{
	struct proc *p = m.current;
	char *argv[PROC_ARGUMENTS + 1]; /* getopt moves them */
	int argc = 0;

	sim_environ = (char **)p->inside->environment;
	for (; argc < PROC_ARGUMENTS && p->inside->argv[argc]; argc++)
		argv[argc] = (char *)p->inside->argv[argc];
	argv[argc] = NULL;
	proc_exit(sim_main(argc, argv));
}

struct proc *proc_start(unsigned number, const char *const *argv, const char *const *environment)
{
	struct proc *p = xcalloc(1, sizeof *p);

	if (!m.pristine) {
		m.pristine = xmalloc(data_size() + bss_size() + 1);
		save_statics(m.pristine);
	}
	p->number = number;
	if (number == 1)
		m.turn = 0;
	p->started = time_now();
	p->failed_at = INT64_MAX;
	p->inside = inside_get();
	p->inside->argv = argv;
	p->inside->environment = environment;
	p->inside->waits = p->inside->woken = p->inside->sleeps = false;
	p->inside->until = INT64_MAX;
	copy(p->inside->statics, m.pristine, data_size() + bss_size());
	buf_init(&p->out, 1 << 20);
	buf_init(&p->err, 1 << 20);
	getcontext(&p->inside->context);
	p->inside->context.uc_stack.ss_sp = p->inside->stack;
	p->inside->context.uc_stack.ss_size = STACK;
	p->inside->context.uc_link = NULL;
	makecontext(&p->inside->context, entry, 0);
	files_open_standard(p);
	sqlite_begin();
	m.alive[m.count++] = p;
	return p;
}

void proc_free(struct proc *p)
{
	if (!p)
		return;
	buf_free(&p->out);
	buf_free(&p->err);
	free(p);
}

struct proc *proc_current(void)
{
	return m.current;
}

void proc_kill(struct proc *p)
{
	if (p->state != PROC_LIVES)
		return;
	p->state = PROC_KILLED;
	if (p == m.current)
		leave();
}

/* -- turns -- */

static void resume(struct proc *p)
{
	if (m.loaded != p) {
		if (m.loaded)
			save_statics(m.loaded->inside->statics);
		load_statics(p->inside->statics);
		m.loaded = p;
	}
	m.current = p;
	swapcontext(&m.world, &p->inside->context);
	m.current = NULL;
}

static void give_way(void)
{
	struct proc *p = m.current;
	int error = errno; /* each process has its own */

	swapcontext(&p->inside->context, &m.world);
	errno = error;
}

static bool may_go_on(const struct proc *p)
{
	const struct proc_inside *in = p->inside;

	if (in->sleeps)
		return in->until <= time_now();
	return !in->waits || in->woken || p->pending || in->until <= time_now();
}

void proc_bury(void)
{
	for (size_t i = 0; i < m.count;)
		if (m.alive[i]->state != PROC_LIVES)
			bury(m.alive[i]);
		else
			i++;
}

/* Until something is due for somebody. 0, or -1: nothing ever is. */
static int let_time_pass(int64_t until)
{
	int64_t next = time_next() < until ? time_next() : until;

	for (size_t i = 0; i < m.count; i++)
		if (m.alive[i]->inside->until < next)
			next = m.alive[i]->inside->until;
	if (next == INT64_MAX)
		return -1;
	time_until(next);
	return 0;
}

/* The next whose turn it is, or NULL: all wait. */
static struct proc *next_in_turn(void)
{
	for (size_t i = 0; i < m.count; i++) {
		struct proc *p = m.alive[m.turn++ % m.count];
		if (may_go_on(p))
			return p;
	}
	return NULL;
}

int proc_run(int64_t until)
{
	size_t ended = m.ended;

	for (proc_bury(); m.ended == ended && m.count > 0 && time_now() < until; proc_bury()) {
		struct proc *p = next_in_turn();
		if (p)
			resume(p);
		else if (let_time_pass(until) != 0)
			return -1;
	}
	return 0;
}

void proc_stall(struct proc *p, uint64_t at, int64_t us)
{
	p->stall_at = at;
	p->stall_us = us;
}

void proc_signal(struct proc *p, int number)
{
	if (p->state != PROC_LIVES)
		return;
	trace("[%u] signal %d", p->number, number);
	p->pending |= 1u << number;
}

/* The lowest one that is pending. */
static void take_signal(struct proc *p)
{
	int number = __builtin_ctz(p->pending);

	p->pending &= ~(1u << number);
	if (p->handlers[number] == SIG_IGN)
		return;
	if (p->handlers[number] == SIG_DFL) {
		p->state = PROC_EXITED;
		p->status = 128 + number;
		leave();
	}
	p->handlers[number](number);
}

/* What happened while time passed may have ended the current process. */
static void look_up(struct proc *p)
{
	if (p->state != PROC_LIVES)
		leave();
	while (p->pending)
		take_signal(p);
}

void proc_step(void)
{
	struct proc *p = m.current;

	if (!p)
		return;
	int error = errno; /* what happens in the world meanwhile is no error of this process */
	p->steps++;
	time_pass(1 + (int64_t)(p->steps & 1));
	if (p->steps == p->stall_at)
		proc_sleep(p->stall_us);
	if (p->steps == p->kill_at)
		proc_kill(p);
	look_up(p);
	if (m.count > 1 && p->steps % 8 == 0)
		give_way();
	errno = error;
}

void proc_yield(void)
{
	proc_step();
	if (m.count > 1)
		give_way();
}

void proc_wake(struct proc *p)
{
	if (p->state == PROC_LIVES)
		p->inside->woken = true;
}

void proc_wait(int64_t until)
{
	struct proc *p = m.current;
	int error = errno;

	p->inside->waits = true;
	p->inside->until = until;
	while (!may_go_on(p)) {
		int64_t next = time_next();
		/* alone, it needs nobody's leave */
		if (m.count > 1 || (next == INT64_MAX && until == INT64_MAX))
			give_way();
		else
			time_until(next < until ? next : until);
		if (p->state != PROC_LIVES)
			leave();
	}
	p->inside->waits = p->inside->woken = false;
	p->inside->until = INT64_MAX;
	look_up(p);
	errno = error;
}

void proc_sleep(int64_t us)
{
	struct proc *p = m.current;
	int64_t until = time_now() + us;

	if (!p || m.count == 1) {
		time_pass(us);
		return;
	}
	p->inside->sleeps = true;
	p->inside->until = until;
	while (time_now() < until && p->state == PROC_LIVES)
		give_way();
	p->inside->sleeps = false;
	p->inside->until = INT64_MAX;
	if (p->state != PROC_LIVES)
		leave();
}

/* -- memory -- */

#if defined(__SANITIZE_ADDRESS__) || defined(CIO_SANITIZED)
/* The sanitizer's own finds more. What a killed process held is lost: see simulate.c. */
void *sim_malloc(size_t n)
{
	return malloc(n);
}
void *sim_calloc(size_t n, size_t size)
{
	return calloc(n, size);
}
void *sim_realloc(void *p, size_t n)
{
	return realloc(p, n);
}
void sim_free(void *p)
{
	free(p);
}
#else
void *sim_malloc(size_t n)
{
	return memory_get(m.current->inside->memory, n);
}

void *sim_calloc(size_t n, size_t size)
{
	void *p = memory_get(m.current->inside->memory, n * size);

	memset(p, 0, n * size);
	return p;
}

void *sim_realloc(void *p, size_t n)
{
	struct memory *memory = m.current->inside->memory;

	if (p && memory_size(p) >= n && n >= memory_size(p) / 4)
		return p;
	void *other = memory_get(memory, n);
	if (p) {
		memcpy(other, p, memory_size(p) < n ? memory_size(p) : n);
		memory_give(memory, p);
	}
	return other;
}

void sim_free(void *p)
{
	if (p)
		memory_give(m.current->inside->memory, p);
}
#endif
