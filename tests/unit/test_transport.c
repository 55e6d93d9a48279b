/* A socket that is read and written from the loop. */
#include "config.h"

#include "daemon/transport.h"

#include <event2/buffer.h>
#include <event2/event.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/support/tap.h"

#define LARGE_BYTES (4 * 1024 * 1024)
#define TURNS_MAX   10000

struct scene {
	struct event_base *base;
	struct transport *transport;
	int client;
	struct evbuffer *output;
	char input[64];
	size_t input_len;
	unsigned ends, failures, sents;
	bool frees_on_input;
};

static void on_input(void *arg, const char *ptr, size_t len)
{
	struct scene *scene = arg;

	if (scene->input_len + len < sizeof(scene->input))
		memcpy(scene->input + scene->input_len, ptr, len);
	scene->input_len += len;
	if (scene->frees_on_input)
		transport_free(&scene->transport);
}

static void on_end(void *arg, enum transport_end how)
{
	struct scene *scene = arg;

	if (how == TRANSPORT_FAILED)
		scene->failures++;
	else
		scene->ends++;
}

static void on_sent(void *arg)
{
	((struct scene *)arg)->sents++;
}

static void set_up(struct scene *scene)
{
	const struct transport_user user = { on_input, on_end, on_sent, scene };
	int fds[2];

	memset(scene, 0, sizeof(*scene));
	scene->base = event_base_new();
	scene->output = evbuffer_new();
	if (!scene->base || !scene->output ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) < 0)
		bail_out("cannot set up");
	/* As a bufferevent has it. */
	(void)evbuffer_freeze(scene->output, 1);
	scene->client = fds[1];
	if (transport_new(scene->base, fds[0], &user, &scene->transport) !=
	    ERR_OK)
		bail_out("cannot make a transport");
}

static void tear_down(struct scene *scene)
{
	transport_free(&scene->transport);
	evbuffer_free(scene->output);
	event_base_free(scene->base);
	if (scene->client >= 0)
		close(scene->client);
}

static void turn(struct scene *scene)
{
	(void)event_base_loop(scene->base, EVLOOP_NONBLOCK);
}

static void client_says(struct scene *scene, const char *words)
{
	if (write(scene->client, words, strlen(words)) !=
	    (ssize_t)strlen(words))
		bail_out("cannot write");
	turn(scene);
}

static void test_input(void)
{
	struct scene scene;

	set_up(&scene);
	turn(&scene);
	is_int(scene.input_len, 0, "nothing comes of nothing");
	client_says(&scene, "one");
	client_says(&scene, "two");
	is_text(((struct text){ scene.input, scene.input_len }), TEXT("onetwo"),
		"what a client says is handed on");
	transport_pause(scene.transport);
	transport_pause(scene.transport);
	client_says(&scene, "three");
	is_int(scene.input_len, 6, "nothing is read during a pause");
	transport_resume(scene.transport);
	turn(&scene);
	is_text(((struct text){ scene.input, scene.input_len }),
		TEXT("onetwothree"), "nor lost by it");
	(void)shutdown(scene.client, SHUT_WR);
	turn(&scene);
	turn(&scene);
	is_int(scene.ends, 1, "its end is told once");
	tear_down(&scene);
}

static void test_end_in_pause(void)
{
	struct scene scene;

	set_up(&scene);
	transport_pause(scene.transport);
	close(scene.client);
	scene.client = -1;
	turn(&scene);
	is_int(scene.ends, 0, "an end during a pause is not noticed");
	transport_resume(scene.transport);
	turn(&scene);
	is_int(scene.ends, 1, "but after it");
	transport_resume(scene.transport);
	transport_pause(scene.transport);
	turn(&scene);
	is_int(scene.ends, 1, "and once");
	tear_down(&scene);
}

static void test_free_in_callback(void)
{
	struct scene scene;

	set_up(&scene);
	scene.frees_on_input = true;
	client_says(&scene, "bye");
	ok(scene.transport == NULL, "it can be freed by what it calls");
	turn(&scene);
	is_int(scene.ends, 0, "and then says nothing more");
	tear_down(&scene);
}

static void test_small_output(void)
{
	struct scene scene;
	char bytes[16];

	set_up(&scene);
	(void)evbuffer_add(scene.output, "hello", 5);
	transport_send(scene.transport, scene.output);
	is_int(scene.sents, 1, "what the socket takes is sent at once");
	is_int(read(scene.client, bytes, sizeof(bytes)), 5, "whole");
	ok(evbuffer_drain(scene.output, 1) == 0 &&
		   evbuffer_add(scene.output, "x", 1) == 0 &&
		   evbuffer_drain(scene.output, 1) == -1,
	   "the buffer is as closed to others as before");
	transport_shut_down(scene.transport);
	is_int(read(scene.client, bytes, sizeof(bytes)), 0,
	       "the client sees that no more will come");
	tear_down(&scene);
}

static void test_half_closed(void)
{
	struct scene scene;
	char bytes[16];

	set_up(&scene);
	(void)shutdown(scene.client, SHUT_WR);
	turn(&scene);
	is_int(scene.ends, 1, "a client that sends no more");
	(void)evbuffer_add(scene.output, "hello", 5);
	transport_send(scene.transport, scene.output);
	is_int(read(scene.client, bytes, sizeof(bytes)), 5,
	       "still gets an answer");
	close(scene.client);
	scene.client = -1;
	(void)evbuffer_add(scene.output, "hello", 5);
	transport_send(scene.transport, scene.output);
	turn(&scene);
	is_int(scene.failures, 1, "until it has gone");
	tear_down(&scene);
}

static void test_large_output(void)
{
	static char bytes[LARGE_BYTES];
	struct scene scene;
	size_t taken = 0;
	bool is_right = true;
	unsigned turns = 0;

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (char)(i % 251);
	set_up(&scene);
	(void)evbuffer_add(scene.output, bytes, sizeof(bytes) / 2);
	transport_send(scene.transport, scene.output);
	is_int(scene.sents, 0, "a full socket is waited for");
	(void)evbuffer_add(scene.output, bytes + sizeof(bytes) / 2,
			   sizeof(bytes) / 2);
	transport_send(scene.transport, scene.output);
	while (taken < sizeof(bytes) && turns++ < TURNS_MAX) {
		static char piece[65536];
		ssize_t got = read(scene.client, piece, sizeof(piece));

		if (got > 0 && taken + (size_t)got <= sizeof(bytes)) {
			is_right = is_right && memcmp(piece, bytes + taken,
						      (size_t)got) == 0;
			taken += (size_t)got;
		}
		turn(&scene);
	}
	is_int(taken, sizeof(bytes), "then all of it goes");
	ok(is_right, "in order");
	is_int(scene.sents, 1, "and is told of once");
	is_int(scene.ends, 0, "without a failure");
	tear_down(&scene);
}

static void test_broken(void)
{
	struct scene scene;

	set_up(&scene);
	transport_pause(scene.transport);
	close(scene.client);
	scene.client = -1;
	(void)evbuffer_add(scene.output, "hello", 5);
	transport_send(scene.transport, scene.output);
	is_int(scene.failures, 0, "a failure to write is told later");
	turn(&scene);
	is_int(scene.failures, 1, "in the next turn");
	transport_send(scene.transport, scene.output);
	transport_resume(scene.transport);
	turn(&scene);
	is_int(scene.failures, 1, "and once");
	is_int(scene.ends, 0, "nothing is read then");
	is_int(scene.sents, 0, "nothing was sent then");
	tear_down(&scene);
}

int main(void)
{
	(void)signal(SIGPIPE, SIG_IGN);
	test_input();
	test_end_in_pause();
	test_free_in_callback();
	test_small_output();
	test_half_closed();
	test_large_output();
	test_broken();
	return tap_done();
}
