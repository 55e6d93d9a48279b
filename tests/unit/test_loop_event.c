/* core/loop.h over libevent. */
#include "config.h"

#include "daemon/loop_event.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "core/loop.h"
#include "tests/support/tap.h"

#define THREADS	   4
#define PER_THREAD 20000

struct scene {
	struct loop_event *loop;
	char order[16];
	size_t count;
	size_t wanted;
	struct loop_job chained;
};

struct job {
	struct loop_job job; /* must be first */
	struct scene *scene;
	char letter;
};

static void note(struct loop_job *loop_job)
{
	struct job *job = (struct job *)loop_job;
	struct scene *scene = job->scene;

	if (scene->count < sizeof(scene->order) - 1)
		scene->order[scene->count] = job->letter;
	if (++scene->count == scene->wanted)
		loop_event_stop(scene->loop);
}

static void note_timer(void *job)
{
	note(job);
}

static void post(struct job *job, struct scene *scene, char letter)
{
	memset(job, 0, sizeof(*job));
	job->job.run = note;
	job->scene = scene;
	job->letter = letter;
	loop_post(loop_event_port(scene->loop), &job->job);
}

static void repost(struct loop_job *loop_job)
{
	struct job *job = (struct job *)loop_job;

	note(loop_job);
	job->job.run = note;
	loop_post(loop_event_port(job->scene->loop), &job->job);
}

static void test_order(struct loop_event *loop)
{
	struct scene scene = { .loop = loop, .wanted = 5 };
	struct job jobs[4];

	post(&jobs[0], &scene, 'a');
	post(&jobs[1], &scene, 'b');
	post(&jobs[2], &scene, 'c');
	jobs[1].job.run = repost;
	post(&jobs[3], &scene, 'd');
	is_int(scene.count, 0, "no job runs before the post returned");
	loop_event_run(loop);
	is_string(scene.order, "abcdb",
		  "jobs run in order, what they post comes after");
}

static void test_timers(struct loop_event *loop)
{
	struct scene scene = { .loop = loop, .wanted = 3 };
	struct job jobs[4];
	struct loop_timer *timers[4];
	static const char letters[] = "321x";

	for (int i = 0; i < 4; i++) {
		memset(&jobs[i], 0, sizeof(jobs[i]));
		jobs[i].scene = &scene;
		jobs[i].letter = letters[i];
		timers[i] = loop_timer_new(loop_event_port(loop), note_timer,
					   &jobs[i]);
		if (!timers[i])
			bail_out("no timer");
	}
	loop_timer_start(loop_event_port(loop), timers[0], 60);
	loop_timer_start(loop_event_port(loop), timers[1], 20);
	loop_timer_start(loop_event_port(loop), timers[2], 5000);
	loop_timer_start(loop_event_port(loop), timers[2], 1);
	loop_timer_start(loop_event_port(loop), timers[3], 1);
	loop_timer_stop(loop_event_port(loop), timers[3]);
	loop_event_run(loop);
	is_string(scene.order, "123",
		  "timers fire in time, set anew, and not when stopped");
	for (int i = 0; i < 4; i++)
		loop_timer_free(loop_event_port(loop), &timers[i]);
}

struct thread {
	pthread_t id;
	struct scene *scene;
	struct job *jobs;
};

static void *post_many(void *arg)
{
	struct thread *thread = arg;

	for (size_t i = 0; i < PER_THREAD; i++)
		post(&thread->jobs[i], thread->scene, '.');
	return NULL;
}

static void test_threads(struct loop_event *loop)
{
	struct scene scene = { .loop = loop,
			       .wanted = (size_t)THREADS * PER_THREAD };
	struct thread threads[THREADS];

	for (int i = 0; i < THREADS; i++) {
		threads[i].scene = &scene;
		threads[i].jobs = calloc(PER_THREAD, sizeof(struct job));
		if (!threads[i].jobs ||
		    pthread_create(&threads[i].id, NULL, post_many,
				   &threads[i]) != 0)
			bail_out("no thread");
	}
	loop_event_run(loop);
	is_int(scene.count, scene.wanted,
	       "every job of every thread runs once");
	for (int i = 0; i < THREADS; i++) {
		(void)pthread_join(threads[i].id, NULL);
		free(threads[i].jobs);
	}
}

int main(void)
{
	struct loop_event *loop = NULL;

	if (loop_event_new(&loop) != ERR_OK)
		bail_out("no loop");
	test_order(loop);
	test_timers(loop);
	test_threads(loop);
	loop_event_free(&loop);
	ok(loop == NULL, "the loop can be freed");
	return tap_done();
}
