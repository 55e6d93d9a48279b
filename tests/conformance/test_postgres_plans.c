/* How PostgreSQL carries the statements out once there are many tasks. */
#include "config.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backends/backends.h"
#include "backends/postgres_sql.h"
#include "tests/conformance/subject.h"
#include "tests/support/pgfixture.h"
#include "tests/support/tap.h"

/* Tasks of one of the users; one has many, and the others are alike. */
#define FEW  "user7"
#define MANY "many"

#define AT_ONCE 200

/* Lists with a small limit, with a page's, and from the middle on. */
static const char *const numbers[] = { "5", "1001", "50000" };

static const char *type_of(char letter)
{
	switch (letter) {
	case 't':
		return "text";
	case 'i':
		return "bigint";
	case 'b':
		return "boolean";
	default:
		return "uuid";
	}
}

/* The types and the values of a statement's parameters, with commas. */
static void join(const char *letters, const char *user, const char *number,
		 char types[256], char values[1024])
{
	size_t type_len = 0, value_len = 0, i;

	for (i = 0; letters[i] != '\0'; i++) {
		const char *comma = i > 0 ? "," : "";
		bool is_array = isupper((unsigned char)letters[i]) != 0;
		char letter = (char)tolower(letters[i]);

		type_len += (size_t)snprintf(types + type_len, 256 - type_len,
					     "%s%s%s", comma, type_of(letter),
					     is_array ? "[]" : "");
		value_len += (size_t)snprintf(
			values + value_len, 1024 - value_len, "%s'%s%s%s'",
			comma, is_array ? "{" : "",
			letter == 't' ? user :
			letter == 'i' ? number :
			letter == 'b' ? "true" :
					"6e6b1f0c-23d2-4c2b-a0c3-"
					"6f4b2f3f7e11",
			is_array ? "}" : "");
	}
}

static const char *explain(enum postgres_sql sql, const char *mode,
			   const char *user, const char *number)
{
	const struct postgres_statement *statement = &postgres_statements[sql];
	char types[256], values[1024];

	join(statement->types, user, number, types, values);
	return pgfixture_tell("sql SET plan_cache_mode = %s;"
			      " PREPARE p(%s) AS %s; EXPLAIN EXECUTE p(%s)",
			      mode, types, statement->text, values);
}

static void check(bool is_good, enum postgres_sql sql, const char *mode,
		  const char *plan, const char *name)
{
	if (!ok(is_good, name))
		diag("%s, %s: %s", mode, postgres_statements[sql].text, plan);
}

static void check_scan(enum postgres_sql sql, const char *mode,
		       const char *user, const char *number)
{
	const char *plan = explain(sql, mode, user, number);

	check(strstr(plan, "Index") != NULL &&
		      strstr(plan, "Seq Scan") == NULL &&
		      strstr(plan, "Sort") == NULL &&
		      strstr(plan, "Bitmap") == NULL,
	      sql, mode, plan,
	      "a statement is the scan of an index, without a sort");
}

static void check_insert(enum postgres_sql sql, const char *mode)
{
	const char *plan = explain(sql, mode, FEW, numbers[0]);

	const char *scan = strstr(plan, "Scan");

	/* But for what is to be put into the table. */
	if (sql == POSTGRES_SQL_TASKS_CREATE && scan != NULL &&
	    strncmp(scan, "Scan on made ", 13) == 0)
		scan = strstr(scan + 1, "Scan");
	check(strstr(plan, "Insert on") != NULL && scan == NULL &&
		      strstr(plan, "Sort") == NULL,
	      sql, mode, plan, "an INSERT scans nothing");
}

static bool is_insert(enum postgres_sql sql)
{
	return strncmp(postgres_statements[sql].text, "INSERT ", 7) == 0;
}

static void check_statement(enum postgres_sql sql, const char *mode,
			    const char *user, const char *number)
{
	if (is_insert(sql))
		check_insert(sql, mode);
	else if (sql != POSTGRES_SQL_PING) /* which reads no table */
		check_scan(sql, mode, user, number);
}

/* As it is for a statement that is prepared once and used with any value. */
static void test_generic(void)
{
	int sql;

	for (sql = 0; sql < POSTGRES_SQL_COUNT; sql++)
		check_statement((enum postgres_sql)sql, "force_generic_plan",
				FEW, numbers[0]);
}

/* As it is for one that is not prepared, behind a pooler. */
static void test_custom(const char *user, const char *number)
{
	int sql;

	for (sql = 0; sql < POSTGRES_SQL_COUNT; sql++)
		check_statement((enum postgres_sql)sql, "force_custom_plan",
				user, number);
}

/* 100,000 tasks of 1,000 users, and 20,000 of one. */
static void fill(void)
{
	pgfixture_tell("sql INSERT INTO todod.tasks (uuid, user_id, title,"
		       " title_folded, completed, created_at, updated_at,"
		       " last_write) SELECT gen_random_uuid(),"
		       " CASE WHEN i > 100000 THEN '" MANY "'"
		       " ELSE 'user' || i %% 1000 END,"
		       " 't', 't', i %% 3 = 0, i, i, i"
		       " FROM generate_series(1, 120000) AS i");
	pgfixture_tell("sql INSERT INTO todod.users"
		       " SELECT gen_random_uuid(), i || '@example.org',"
		       " 'Name', 'hash', i FROM generate_series(1, 10000)"
		       " AS i");
	pgfixture_tell("sql ANALYZE");
}

/* How many statements create tasks that are asked for at once. */
static void test_shared(struct subject *subject)
{
	const struct task_draft draft = draft_of("Shared", 1);
	static struct answer answers[AT_ONCE];
	size_t good = 0, i;
	const char *answer;
	long statements;

	tap_prefix("creates at once");
	pgfixture_tell(
		"sql CREATE SEQUENCE todod.statements;"
		" GRANT USAGE ON SEQUENCE todod.statements TO PUBLIC;"
		" CREATE FUNCTION todod.note() RETURNS trigger LANGUAGE"
		" plpgsql AS 'BEGIN PERFORM nextval(''todod.statements'');"
		" RETURN NULL; END'; CREATE TRIGGER note AFTER INSERT"
		" ON todod.tasks EXECUTE FUNCTION todod.note()");
	create_many(subject, "shared", &draft, answers, AT_ONCE);
	for (i = 0; i < AT_ONCE; i++) {
		good += answers[i].err == ERR_OK;
		answer_release(&answers[i]);
	}
	is_int(good, AT_ONCE, "all are done");
	answer = pgfixture_tell("sql SELECT last_value FROM todod.statements");
	statements = strtol(answer + strspn(answer, " \""), NULL, 10);
	if (!ok(statements > 0 && statements <= AT_ONCE / 10,
		"by few statements"))
		diag("%ld statements", statements);
}

int main(void)
{
	struct subject subject;
	size_t i;
	int status;

	if (!pgfixture_start())
		return tap_done();
	subject_init(&subject, "postgres");
	fill();
	tap_prefix("any values");
	test_generic();
	for (i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		tap_prefix("a user with few tasks");
		test_custom(FEW, numbers[i]);
		tap_prefix("a user with many tasks");
		test_custom(MANY, numbers[i]);
	}
	test_shared(&subject);
	subject_release(&subject);
	status = tap_done();
	pgfixture_stop();
	return status;
}
