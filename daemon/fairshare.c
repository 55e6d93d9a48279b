/* Fair shares. */
#include "config.h"

#include "daemon/fairshare.h"

#define SLACK_DIVISOR 8 /* of the mean */
#define BURST_MAX     256

bool fairshare_is_exceeded(const unsigned *counts, size_t count)
{
	unsigned long long sum = 0, mean;

	for (size_t i = 0; i < count; i++)
		sum += counts[i];
	if (count < 2)
		return false;
	/* Rounded up, so that an even spread exceeds nothing. */
	mean = (sum + count - 1) / count;
	return counts[0] > mean + mean / SLACK_DIVISOR;
}

unsigned fairshare_burst(unsigned pauses_in_row)
{
	return pauses_in_row < 8 ? 1u << pauses_in_row : BURST_MAX;
}
