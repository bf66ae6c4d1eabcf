#include "lab/tune/samplers/symmetric.h"

#include <math.h>
#include <string.h>

#define SWEEPS 60

/* B's columns p and q, and the rows and columns of A, turned so that A[p][q] is zero. */
static void rotate(double *A, int n, double *B, const int pair[2])
{
	const int p = pair[0], q = pair[1];
	const double theta = (A[q * n + q] - A[p * n + p]) / (2 * A[p * n + q]);
	const double t = (theta < 0 ? -1 : 1) / (fabs(theta) + sqrt(theta * theta + 1));
	const double c = 1 / sqrt(t * t + 1), s = t * c;

	for (int k = 0; k < n; k++) {
		const double a = A[k * n + p], b = A[k * n + q];

		A[k * n + p] = c * a - s * b;
		A[k * n + q] = s * a + c * b;
	}
	for (int k = 0; k < n; k++) {
		const double a = A[p * n + k], b = A[q * n + k];

		A[p * n + k] = c * a - s * b;
		A[q * n + k] = s * a + c * b;
	}
	for (int k = 0; k < n; k++) {
		const double a = B[k * n + p], b = B[k * n + q];

		B[k * n + p] = c * a - s * b;
		B[k * n + q] = s * a + c * b;
	}
}

static double beside_diagonal(const double *A, int n)
{
	double sum = 0;

	for (int i = 0; i < n; i++)
		for (int k = 0; k < i; k++)
			sum += A[i * n + k] * A[i * n + k];
	return sum;
}

void symmetric_eigen(const double *A, int n, double *B, double *d)
{
	double work[n * n];             /* parameters are few: 100 make 80 kB */
	double scale = 0;

	memcpy(work, A, sizeof work);
	memset(B, 0, sizeof work);
	for (int i = 0; i < n; i++) {
		B[i * n + i] = 1;
		scale += A[i * n + i] * A[i * n + i];
	}
	for (int sweep = 0; sweep < SWEEPS && beside_diagonal(work, n) > 1e-30 * scale; sweep++)
		for (int p = 0; p < n; p++)
			for (int q = p + 1; q < n; q++)
				if (work[p * n + q] != 0)
					rotate(work, n, B, (int[]){ p, q });
	for (int i = 0; i < n; i++)
		d[i] = work[i * n + i];
}

int symmetric_factor(double *A, int n)
{
	for (int i = 0; i < n; i++)
		for (int k = 0; k <= i; k++) {
			double sum = A[i * n + k];

			for (int j = 0; j < k; j++)
				sum -= A[i * n + j] * A[k * n + j];
			if (i == k && !(sum > 0))
				return 0;
			A[i * n + k] = i == k ? sqrt(sum) : sum / A[k * n + k];
		}
	return 1;
}

void symmetric_forward(const double *L, int n, double *b)
{
	for (int i = 0; i < n; i++) {
		for (int k = 0; k < i; k++)
			b[i] -= L[i * n + k] * b[k];
		b[i] /= L[i * n + i];
	}
}

void symmetric_backward(const double *L, int n, double *b)
{
	for (int i = n - 1; i >= 0; i--) {
		b[i] /= L[i * n + i];
		for (int k = 0; k < i; k++)
			b[k] -= L[i * n + k] * b[i];
	}
}
