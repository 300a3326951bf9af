/* generate csv|ndjson ROWS: people as a users export has them, about 130 and 220 bytes a row;
 * always the same ones. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const first_names[] = { "Anna", "Bob", "Chlo\xc3\xa9", "David", "Eli\xc5\xa1ka",
	"Farid", "Grace", "H\xc3\xa9l\xc3\xa8ne" };
static const char *const last_names[] = { "Nov\xc3\xa1k", "Smith", "M\xc3\xbcller", "L\xc3\xb3pez",
	"O'Brien", "Tanaka", "Ivanova", "Jones" };
static const char *const cities[] = { "Prague", "London", "Berlin", "New York", "Madrid", "Osaka",
	"Sofia", "Toronto" };
static const char *const plans[] = { "free", "basic", "pro", "team" };
static const char *const notes[] = { "\"Prefers email, not calls\"", "", "VIP",
	"\"Said \"\"later\"\" twice\"" };

struct person {
	long id;
	unsigned dice;
};

static const char *pick(const char *const *of, size_t n, unsigned dice)
{
	return of[dice % n];
}

#define PICK(of, shift) pick(of, sizeof of / sizeof *of, p.dice >> (shift))

static int csv(struct person p)
{
	return printf("%ld,user%ld@example.com,%s,%s,\"%s, Main St "
	              "%u\",%s,2024-%02u-%02uT%02u:%02u:00Z,%s,%u.%02u,%s\n",
	    1000000 + p.id, p.id, PICK(first_names, 3), PICK(last_names, 6), PICK(cities, 9),
	    p.dice % 300, PICK(plans, 12), 1 + p.dice % 12, 1 + p.dice % 28, p.dice % 24,
	    p.dice % 60, p.dice & 64 ? "true" : "false", p.dice % 1000, p.dice % 100,
	    PICK(notes, 20));
}

static int ndjson(struct person p)
{
	return printf("{\"id\":\"%ld\",\"email\":\"user%ld@example.com\",\"first_name\":\"%s\","
	              "\"last_name\":\"%s\",\"address\":"
	              "{\"city\":\"%s\",\"street\":\"Main St "
	              "%u\"},\"plan\":\"%s\",\"created_at\":17%08u,\"active\":%s,\"spent\":%u.%02u,"
	              "\"tags\":[\"a\",\"b%u\"]}\n",
	    1000000 + p.id, p.id, PICK(first_names, 3), PICK(last_names, 6), PICK(cities, 9),
	    p.dice % 300, PICK(plans, 12), p.dice % 100000000, p.dice & 64 ? "true" : "false",
	    p.dice % 1000, p.dice % 100, p.dice % 7);
}

int main(int argc, char **argv)
{
	long rows = argc == 3 ? atol(argv[2]) : 0;
	int is_csv = argc == 3 && strcmp(argv[1], "csv") == 0;
	uint64_t state = 1;

	if (rows < 1)
		return 2;
	if (is_csv)
		puts("id,email,first_name,last_name,address,plan,created_at,active,spent,note");
	for (struct person p = { 0 }; p.id < rows; p.id++) {
		state = state * 6364136223846793005u + 1442695040888963407u;
		p.dice = (unsigned)(state >> 33);
		if ((is_csv ? csv(p) : ndjson(p)) < 0)
			return 1;
	}
	return fflush(stdout) != 0;
}
