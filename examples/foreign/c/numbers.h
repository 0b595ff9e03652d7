/* A C library that owns its memory. */

#ifndef NUMBERS_H
#define NUMBERS_H

#include <stddef.h>
#include <stdint.h>

/* The numbers from 0 to n - 1, to be given back to numbers_free. NULL where there is no memory for them, or where int32_t
   cannot count so far. */
int32_t *numbers_new(size_t n);

/* Frees them, on any thread. NULL is no numbers. */
void numbers_free(int32_t *numbers);

/* How many times numbers_new gave memory that was not freed yet. */
size_t numbers_live(void);

#endif
