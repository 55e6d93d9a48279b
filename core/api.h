/*
 * The handlers, by resource.  Each runs once its route's conditions hold
 * (token, well-formed JSON) and answers its call exactly once, now or from a
 * callback.  Contract: a handler parses, checks, calls storage, answers; what
 * differs between dialects it reads from call->dialect.
 */
#ifndef TODOD_CORE_API_H
#define TODOD_CORE_API_H

struct call;

/* core/api_tasks.c, core/api_list.c */
void api_tasks_list(struct call *call);
void api_task_create(struct call *call);
void api_task_get(struct call *call);
void api_task_update(struct call *call);
void api_task_toggle(struct call *call);
void api_task_delete(struct call *call);

/* core/api_accounts.c */
void api_signup(struct call *call);
void api_signin(struct call *call);

/* core/api_service.c */
void api_health(struct call *call);
void api_health_database(struct call *call);
void api_root(struct call *call);
void api_openapi(struct call *call);
void api_docs(struct call *call);
void api_docs_file(struct call *call);

#endif
