/* The storage contract on the memory backend. */
#include "config.h"

#include "tests/conformance/suite.h"

int main(void)
{
	return suite_run("memory");
}
