/* symmetric.h -- small symmetric matrices, row by row.
 *
 * By our own loops, in one order: a study that is replayed on another machine must answer the same
 * to the bit, which a BLAS, with its kernels for each processor, does not promise.  Pure. */
#ifndef SAMPLERS_SYMMETRIC_H
#define SAMPLERS_SYMMETRIC_H

/* A = B diag(d) B'; the columns of B are of length one.  A is left alone.  By Jacobi's
 * rotations. */
void symmetric_eigen(const double *A, int n, double *B, double *d);

/* A = L L', into the lower half of A, whose upper half is left alone.  0: A is not positive. */
int  symmetric_factor(double *A, int n);
void symmetric_forward(const double *L, int n, double *b);       /* b = L^-1 b   */
void symmetric_backward(const double *L, int n, double *b);      /* b = L'^-1 b  */

#endif
