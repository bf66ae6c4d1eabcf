/* fake.h -- a source whose samples say who they are, and what loaders make of it. */
#ifndef TESTS_FAKE_H
#define TESTS_FAKE_H

#include "data/loader.h"

#define FAKE_COUNT  103
#define FAKE_SIDE   6
#define FAKE_PIXELS (2 * FAKE_SIDE * FAKE_SIDE)

/* Pixel i of sample k is (7 * k + i) % 256, its class k % 10; sample `broken` cannot be read. */
tt_source *fake_source(int64_t count, int64_t broken);
uint8_t    fake_pixel(int64_t k, int64_t i);

/* Batches of it for training, shuffled by one thread with &fake_opts. */
extern const struct data_opts fake_opts;
struct loader *fake_loader(tt_source *s, const struct data_opts *d, int batch, int rank, int world);

/* All sample numbers of an epoch in this rank's order; returns how many. */
int        fake_read_epoch(struct loader *l, int64_t epoch, int64_t from, int64_t *out);

/* The n samples of a rank are the places p of each batch of all with p % world == rank. */
struct share { const int64_t *all; int count, batch, rank, world; };
void       assert_share(const int64_t *mine, int n, const struct share *s);

#endif
