/* maxpool_lanes.h -- max pooling of a plane of LANES channels; part of maxpool.c, which includes it
 * for each number of lanes. */
#define JOIN_(a, b) a##_##b
#define JOIN(a, b)  JOIN_(a, b)
#define OF(name)    JOIN(name, LANES)

typedef float    OF(vec) __attribute__((vector_size(LANES * 4), aligned(4), may_alias));
typedef int32_t  OF(ivec) __attribute__((vector_size(LANES * 4)));
typedef uint32_t OF(uvec) __attribute__((vector_size(LANES * 4), may_alias));
typedef uint16_t OF(halves) __attribute__((vector_size(LANES * 2), aligned(2), may_alias));
typedef uint8_t  OF(places) __attribute__((vector_size(LANES), aligned(1), may_alias));

INLINE OF(vec) OF(load)(const void *x, int64_t i, const enum maxpool_type t)
{
	if (t == MAXPOOL_F32)
		return *(const OF(vec) *)((const float *)x + i);
	return (OF(vec))(__builtin_convertvector(*(const OF(halves) *)((const uint16_t *)x + i),
	                                         OF(uvec)) << 16);
}

/* As bf16_of. */
INLINE void OF(store)(void *y, int64_t i, OF(vec) v, const enum maxpool_type t)
{
	OF(uvec) bits = (OF(uvec))v;

	if (t == MAXPOOL_F32)
		*(OF(vec) *)((float *)y + i) = v;
	else
		*(OF(halves) *)((uint16_t *)y + i) = __builtin_convertvector(
			(bits + 0x7fff + (bits >> 16 & 1)) >> 16, OF(halves));
}

INLINE OF(vec) OF(pick)(OF(ivec) mask, OF(vec) yes, OF(vec) no)
{
	return (OF(vec))(((OF(ivec))yes & mask) | ((OF(ivec))no & ~mask));
}

/* Lanes that have found a NaN keep it, or take another one. */
INLINE void OF(look)(OF(vec) *most, OF(ivec) *found, OF(vec) x, int place)
{
	const OF(ivec) nan = ((OF(ivec))x & 0x7fffffff) > 0x7f800000;
	const OF(ivec) take = (x > *most) | nan;

	*most = OF(pick)(take, x, *most);
	*found = (*found & ~take) | (((OF(ivec)){0} + place) & take);
}

INLINE void OF(pool)(const struct job *j, struct plane from, struct plane to,
                     const enum maxpool_type t, const int want_arg)
{
	const struct maxpool *g = j->g;
	const OF(vec) floor = (OF(vec)){0} - (g->relu ? 0 : INFINITY);

	for (int64_t o = 0, oy = 0, ox = 0; o < g->oh * g->ow; o++, next(g, &oy, &ox)) {
		const struct window v = window_at(g, oy, ox);
		OF(vec) most = (OF(vec)){0} - INFINITY;
		OF(ivec) found = (OF(ivec)){0} + (int)(v.i0 * g->kw + v.j0);

		for (int64_t i = v.i0; i < v.i1; i++)
			for (int64_t k = v.j0; k < v.j1; k++)
				OF(look)(&most, &found, OF(load)(j->x, from.at + point(g, v, i, k) *
				                                 from.step, t), (int)(i * g->kw + k));
		most = OF(pick)(most <= floor, floor, most);
		OF(store)(j->y, to.at + o * to.step, most, t);
		if (want_arg)
			*(OF(places) *)(j->arg + to.at + o * to.step) =
				__builtin_convertvector(found, OF(places));
	}
}

/* dx was cleared. */
INLINE void OF(spread)(const struct job *j, struct plane from, struct plane to,
                       const enum maxpool_type t)
{
	const struct maxpool *g = j->g;

	for (int64_t o = 0, oy = 0, ox = 0; o < g->oh * g->ow; o++, next(g, &oy, &ox)) {
		const struct window v = window_at(g, oy, ox);
		const OF(ivec) place = __builtin_convertvector(
			*(const OF(places) *)(j->arg + from.at + o * from.step), OF(ivec));
		const OF(vec) dy = OF(load)(j->x, from.at + o * from.step, t);

		for (int64_t i = v.i0; i < v.i1; i++)
			for (int64_t k = v.j0; k < v.j1; k++) {
				const int64_t at = to.at + point(g, v, i, k) * to.step;
				const OF(ivec) here = place == (int)(i * g->kw + k);

				OF(store)(j->y, at, OF(load)(j->y, at, t) +
				          (OF(vec))((OF(ivec))dy & here), t);
			}
	}
}

#undef JOIN_
#undef JOIN
#undef OF
#undef LANES
