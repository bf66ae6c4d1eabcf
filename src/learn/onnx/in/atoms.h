/* atoms.h -- how batch, places and features lie in the dimensions of a value.
 *
 * A dimension holds atoms, one behind the other: batch n, places t (those looked at: s), and
 * features c, of which any number may stand apart with a step of their own:
 *
 *   [n][t][c 24]  --reshape 0 0 3 2 4-->  [n][t][c 3 by 8][c 2 by 4][c 4 by 1] */
#ifndef ONNX_ATOMS_H
#define ONNX_ATOMS_H

#include <stddef.h>
#include <stdint.h>

#define ATOMS_DIMS 6
#define ATOMS_MOST 4

struct atom { char of; int64_t size, step; };
struct atoms {
	int     ndim;
	struct { int n; struct atom a[ATOMS_MOST]; } d[ATOMS_DIMS];
	int64_t offset;                 /* of the first feature */
};

/* [n][t][c], or where the flag is set [t][n][c]. */
void    atoms_init(struct atoms *a, int64_t length, int64_t features, int time_first);
int64_t atoms_size(const struct atoms *a, int dim);         /* 0: there is no such number */

/* All give 0 where they cannot.  keep: a 0 is the dimension as it was; batch: of the file, or 0. */
int atoms_reshape(struct atoms *a, const int64_t *dim, size_t n, int keep, int64_t batch);
int atoms_transpose(struct atoms *a, const int64_t *perm, size_t n);
int atoms_unsqueeze(struct atoms *a, const int64_t *axes, int n);
int atoms_squeeze(struct atoms *a, const int64_t *axes, int n);     /* n 0: all of size 1 */
/* `size` features from `at` on; -1: the last. */
int atoms_cut(struct atoms *a, int64_t axis, int64_t at, int64_t size);
/* So many features more in the last dimension, which begin at this offset. */
int atoms_grow(struct atoms *a, int64_t offset, int64_t size);

/* Products of queries and keys, and of chances and values: a becomes what they give. */
int atoms_score(struct atoms *a, const struct atoms *k);
int atoms_weigh(struct atoms *a, const struct atoms *v);
/* Of a part that was multiplied so. */
struct heads { int64_t heads, head_step, size, step; };
void atoms_heads(const struct atoms *a, struct heads *out);
/* Are all heads side by side in the last dimension? */
int atoms_is_joined(const struct atoms *a, int64_t wide);
/* 0: [n][t][c], 1: [t][n][c], -1: neither. */
int atoms_form(const struct atoms *a);

#endif
