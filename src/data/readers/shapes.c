/* Distances after I. Quilez, "2D distance functions": folds, planes and circles, without
 * branches, so that a row of pixels is a few vector instructions. */
#include "data/readers/shapes.h"

#include <math.h>

#include "base/simd.h"

#define POINT static inline __attribute__((always_inline)) float

/* fminf and fmaxf must look after NaN, and so are calls; these are one instruction. */
POINT smaller(float a, float b)
{
	return a < b ? a : b;
}

POINT larger(float a, float b)
{
	return a > b ? a : b;
}

POINT length(float u, float v)
{
	return sqrtf(u * u + v * v);
}

POINT box(float u, float v, float half_u, float half_v)
{
	return larger(fabsf(u) - half_u, fabsf(v) - half_v);
}

POINT circle(float u, float v)
{
	return length(u, v) - 0.85f;
}

POINT ring(float u, float v)
{
	return fabsf(length(u, v) - 0.68f) - 0.2f;
}

POINT square(float u, float v)
{
	return box(u, v, 0.7f, 0.7f);
}

POINT cross(float u, float v)
{
	return smaller(box(u, v, 0.27f, 0.9f), box(u, v, 0.9f, 0.27f));
}

/* Three planes at distance 1/2: the corners lie on the unit circle. */
POINT triangle(float u, float v)
{
	return larger(-v, 0.8660254f * fabsf(u) + 0.5f * v) - 0.5f;
}

/* A shaft, and a triangle with its tip at (0, 0.95). */
POINT arrow(float u, float v)
{
	float shaft = box(u, v + 0.4f, 0.2f, 0.5f);
	float head = larger(0.05f - v, 0.8235f * fabsf(u) + 0.5673f * v - 0.5389f);

	return smaller(shaft, head);
}

/* A circle without another one. */
POINT crescent(float u, float v)
{
	return larger(length(u, v) - 0.9f, 0.72f - length(u - 0.42f, v));
}

/* The capital L. */
POINT letter(float u, float v)
{
	return smaller(box(u + 0.38f, v, 0.2f, 0.8f), box(u, v + 0.6f, 0.58f, 0.2f));
}

/* Two circles over a right angle, in coordinates with the tip at the origin. */
POINT heart(float u, float v)
{
	float x = fabsf(u) * 0.67f, y = v * 0.67f + 0.56f, m = larger(x + y, 0) * 0.5f;
	float lobe = length(x - 0.25f, y - 0.75f) - 0.35355339f;
	float side = smaller(length(x, y - 1), length(x - m, y - m));
	float low = x < y ? -side : side;

	return (x + y > 1 ? lobe : low) * (1 / 0.67f);
}

/* Fold the plane five times onto half a spike, whose edge is a segment. */
POINT star(float u, float v)
{
	const float c = 0.80901699f, s = 0.58778525f, inner = 0.45f;
	float eu = inner * s, ev = inner * c - 1, x = fabsf(u), y = v, t;

	t = 2 * larger(c * x - s * y, 0);
	x -= t * c;
	y += t * s;
	t = 2 * larger(-c * x - s * y, 0);
	x += t * c;
	y += t * s;
	x = fabsf(x);
	y -= 1;
	t = (x * eu + y * ev) * (1 / (eu * eu + ev * ev));
	t = smaller(larger(t, 0), 1);
	float d = length(x - t * eu, y - t * ev);
	return y * eu - x * ev < 0 ? -d : d;
}

#define ROW(f)                                                                              \
	SIMD static void f##_row(const float *restrict u, const float *restrict v, int n,       \
	                         float *restrict d)                                             \
	{                                                                                       \
		for (int i = 0; i < n; i++)                                                     \
			d[i] = f(u[i], v[i]);                                                   \
	}

#define SHAPE_LIST(X) \
	X(arrow) X(circle) X(crescent) X(cross) X(heart) X(letter) X(ring) X(square) X(star) X(triangle)

SHAPE_LIST(ROW)

const struct shape shapes[SHAPES] = {
#define X(f) { #f, f##_row },
	SHAPE_LIST(X)
#undef X
};
