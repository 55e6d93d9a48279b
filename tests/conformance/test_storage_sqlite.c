/* The storage contract on the sqlite backend. */
#include "config.h"

#include "tests/conformance/suite.h"

int main(void)
{
	return suite_run("sqlite");
}
