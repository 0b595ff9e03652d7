#include "numbers.h"

#include <stdatomic.h>
#include <stdlib.h>

/* The library stores the count in front of the numbers. */
struct block {
    size_t n;
    int32_t numbers[];
};

static atomic_size_t live;

int32_t *numbers_new(size_t n)
{
    struct block *block;

    if (n > (size_t)INT32_MAX + 1 || n > (SIZE_MAX - sizeof *block) / sizeof *block->numbers)
        return NULL;
    block = malloc(sizeof *block + n * sizeof *block->numbers);
    if (block == NULL)
        return NULL;
    block->n = n;
    for (size_t i = 0; i < n; i++)
        block->numbers[i] = (int32_t)i;
    atomic_fetch_add(&live, 1);
    return block->numbers;
}

void numbers_free(int32_t *numbers)
{
    struct block *block;

    if (numbers == NULL)
        return;
    block = (struct block *)((char *)numbers - offsetof(struct block, numbers));
    /* Overwrite the numbers, so that a dangling pointer shows garbage at once. The stores are volatile, so that the
       compiler does not remove them. */
    for (size_t i = 0; i < block->n; i++)
        ((volatile int32_t *)numbers)[i] = -0x22222223;
    free(block);
    atomic_fetch_sub(&live, 1);
}

size_t numbers_live(void)
{
    return atomic_load(&live);
}
