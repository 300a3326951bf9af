/*
 * loop_curl URL COUNT CONNECTIONS: the least that sending with libcurl takes: PUTs of about 200
 * bytes, kept easy handles, few headers, nothing decided and nothing kept.
 */
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char body[] =
    "{\"email\":\"user500000@example.com\",\"first_name\":\"Grace\",\"last_name\":\"Tanaka\","
    "\"address\":\"Prague, Main St 217\","
    "\"plan\":\"pro\",\"created_at\":1709208000,\"active\":\"true\",\"spent\":\"217.17\"}";

struct slot {
	CURL *easy;
	CURLU *url;
};

static size_t forget(char *data, size_t size, size_t n, void *arg)
{
	(void)data;
	(void)arg;
	return size * n;
}

static void start(CURLM *multi, struct slot *s, long number)
{
	char path[64];

	snprintf(path, sizeof path, "/api/v1/customers/%ld", 1000000 + number);
	curl_url_set(s->url, CURLUPART_PATH, path, 0);
	curl_easy_setopt(s->easy, CURLOPT_CURLU, s->url);
	curl_multi_add_handle(multi, s->easy);
}

static int set_up(struct slot *s, const char *url, struct curl_slist *head)
{
	s->easy = curl_easy_init();
	s->url = curl_url();
	if (!s->easy || !s->url || curl_url_set(s->url, CURLUPART_URL, url, 0))
		return -1;
	curl_easy_setopt(s->easy, CURLOPT_PRIVATE, s);
	curl_easy_setopt(s->easy, CURLOPT_HTTPHEADER, head);
	curl_easy_setopt(s->easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(s->easy, CURLOPT_CUSTOMREQUEST, "PUT");
	curl_easy_setopt(s->easy, CURLOPT_POSTFIELDSIZE, (long)(sizeof body - 1));
	curl_easy_setopt(s->easy, CURLOPT_POSTFIELDS, body);
	curl_easy_setopt(s->easy, CURLOPT_WRITEFUNCTION, forget);
	curl_easy_setopt(s->easy, CURLOPT_PROXY, "");
	return 0;
}

static int collect(CURLM *multi, long *started, long *finished, long count)
{
	struct CURLMsg *m;
	struct slot *s;
	int left;

	while ((m = curl_multi_info_read(multi, &left))) {
		if (m->data.result != CURLE_OK) {
			fprintf(stderr, "loop_curl: %s\n", curl_easy_strerror(m->data.result));
			return -1;
		}
		curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)&s);
		curl_multi_remove_handle(multi, s->easy);
		++*finished;
		if (*started < count)
			start(multi, s, (*started)++);
	}
	return 0;
}

int main(int argc, char **argv)
{
	long count = argc == 4 ? atol(argv[2]) : 0, connections = argc == 4 ? atol(argv[3]) : 0,
	     started = 0, finished = 0;
	struct curl_slist *head = NULL;
	CURLM *multi = curl_global_init(CURL_GLOBAL_DEFAULT) == 0 ? curl_multi_init() : NULL;
	struct slot *slots = calloc((size_t)connections + 1, sizeof *slots);
	int running;

	if (!multi || !slots || count < 1 || connections < 1)
		return 2;
	head = curl_slist_append(head, "Content-Type: application/json");
	head = curl_slist_append(head, "Authorization: Basic c2FuZGJveDpzYW5kYm94");
	head = curl_slist_append(head, "Accept:");
	for (long i = 0; i < connections; i++) {
		if (set_up(&slots[i], argv[1], head) != 0)
			return 2;
		if (started < count)
			start(multi, &slots[i], started++);
	}
	while (finished < count) {
		if (curl_multi_perform(multi, &running) != CURLM_OK ||
		    collect(multi, &started, &finished, count) != 0)
			return 1;
		if (finished < count)
			curl_multi_poll(multi, NULL, 0, 1000, NULL);
	}
	for (long i = 0; i < connections; i++) {
		curl_easy_cleanup(slots[i].easy);
		curl_url_cleanup(slots[i].url);
	}
	curl_multi_cleanup(multi);
	curl_slist_free_all(head);
	free(slots);
	return 0;
}
