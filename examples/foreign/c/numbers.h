/* A C library that owns its memory. */

#ifndef NUMBERS_H
#define NUMBERS_H

#include <stddef.h>
#include <stdint.h>

/* Allocates the numbers from 0 to n - 1. Free them with numbers_free. Returns NULL if there is no memory, or if n - 1 does
   not fit into int32_t. */
int32_t *numbers_new(size_t n);

/* Frees numbers from numbers_new, on any thread. Does nothing for NULL. */
void numbers_free(int32_t *numbers);

/* The number of allocations of numbers_new that are not freed yet. */
size_t numbers_live(void);

#endif
