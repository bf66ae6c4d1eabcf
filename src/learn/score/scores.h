/* scores.h -- how good answers are, in all ways that have a row in rows.c.
 *
 *   batches --metrics--> sums, and sums of each class     accuracy, precision, recall, F1, IoU
 *           --spread---> of each value                    MAE, RMSE, R2
 *           --logs-----> sum                              log loss, perplexity, bits
 *           --kept-----> every score, on rank 0           ROC-AUC, average precision
 *
 * Definitions are scikit-learn's, weighted by sample_weight where samples have weights.  Sums take
 * room for each class, whatever the number of samples.  Logs and kept scores are there if a row is
 * wanted that needs them; kept scores take SCORES_MOST_BYTES at most, and as much again while they
 * are sorted: of larger sources those rows are not known. */
#ifndef SCORE_SCORES_H
#define SCORE_SCORES_H

#include "distribute/comm/comm.h"
#include "learn/nn/loss.h"
#include "learn/score/metrics.h"
#include "learn/score/ranking.h"

#define SCORES_MOST_BYTES ((int64_t)256 << 20)

/* What an answer is: one of several classes, yes or no in one column, a yes or no for each of
 * several labels, numbers, a list of labels.  Bits, for rows that are known of several. */
enum scores_kind { SCORES_CLASSES = 1, SCORES_YES_NO = 2, SCORES_LABELS = 4, SCORES_VALUES = 8,
                   SCORES_SPELT = 16, SCORES_ANY = 31,
                   SCORES_TEXT = 32 };   /* in a row's `shown`: classes are the tokens of a text */

struct scores_what {
	enum scores_kind  kind;
	enum loss_answers answers;         /* what the scores of a batch become                    */
	int               width;           /* of them                                              */
	int               classes, k;      /* as of struct metrics                                 */
	int               confusion;       /* enum no/yes                                          */
	int               text;            /* enum no/yes: CLASSES are tokens, the next of a text  */
	int               loss_is_log;     /* enum no/yes: nobody needs to sum logs besides        */
	int64_t           samples;         /* of the source                                        */
	uint64_t          rows;            /* wanted; bit i for row i                              */
};

/* Of one output: how far answers are from targets, and targets from their mean. */
struct score_spread { double weight, mean, square, off, off_square; };

struct scores {
	struct scores_what   what;
	struct metrics       sums;
	struct metrics_class *label;       /* LABELS: [width]; CLASSES, YES_NO: sums.class          */
	struct score_spread *spread;       /* VALUES, LABELS: [width]                              */
	int                  shares;       /* LABELS: a target was neither 0 nor 1                 */
	int                  keeps;        /* scores are kept                                      */
	double               log_loss;
	float               *room;         /* [width]                                              */
	int32_t             *spelt;        /* SPELT: [spelt_room]                                  */
	int64_t             *distance;     /* the same                                             */
	int64_t              spelt_room;
	float               *kept;         /* [n_kept][scores_stride]: weight, scores, truth        */
	int64_t              n_kept, kept_room;
	struct ranking_areas *area;        /* [width], when it is over; NULL where none is wanted  */
};

tt_status scores_init(struct scores *s, const struct scores_what *w);
void      scores_release(struct scores *s);               /* also of one that is all zero */
void      scores_clear(struct scores *s);
/* b->values: the targets of LABELS and VALUES. */
tt_status scores_add(struct scores *s, const struct metrics_batch *b);
/* Would scores of so many samples be more than are kept? */
int       scores_too_many(const struct scores_what *w);
/* A curve of one column of kept scores, for whoever has them: rank 0. */
tt_status scores_draw(const struct scores *s, int column, enum ranking_curve c,
                      struct series *out);

/* A kept record: the weight, the scores, then the class, or a truth for each label. */
int       scores_stride(const struct scores_what *w);
tt_status scores_make_room(struct scores *s, int64_t n);
tt_status scores_find_areas(struct scores *s);

/* share.c: after the last batch, the numbers of all ranks, the same on each.  Collective; NULL: of
 * this one. */
tt_status scores_finish(struct scores *s, struct comm *c);

/* ---- rows.c ---- */

struct score_row {
	const char *name;                  /* "valid.f1"; a K at its end stands for what.k         */
	int         known;                 /* of these kinds                                       */
	int         shown;                 /* of these kinds without being asked for               */
	enum { NEEDS_SUMS, NEEDS_LOGS, NEEDS_KEPT } needs;
	int         better;                /* 1: more is; -1: less                                 */
	double    (*value)(const struct scores *s);      /* NAN: not known */
	const char *help;
};

#define SCORES_MAX 32
extern const struct score_row score_rows[];
extern const int score_row_count;
enum { SCORE_LOSS, SCORE_ACCURACY, SCORE_TOP_K };         /* the first rows */

/* Rows that are shown of such answers and cost next to nothing; all that there are. */
uint64_t  scores_cheap(const struct scores_what *w);
uint64_t  scores_all(const struct scores_what *w);
int       scores_shown(const struct scores_what *w, int row);
/* Will row i be known of such answers?  TT_ESPEC, about the key that asks for it: why not. */
tt_status scores_check_row(int i, const struct scores_what *w, const char *key);
/* "f1", "valid.f1", "valid_f1", "top_5" with k 5: its row, or -1. */
int       scores_find(const char *name, int k);
/* "valid.f1", "valid.top_5" */
void      scores_name(const struct score_row *r, int k, char *out, size_t room);
/* Classes or labels that have numbers of their own, and the column of one's scores, or -1: of yes
 * and no only the yes has one. */
int       scores_classes(const struct scores *s);
int       scores_column(const struct scores *s, int class);
struct class_scores { double truth, precision, recall, f1, iou, roc_auc, pr_auc; };
struct class_scores scores_of_class(const struct scores *s, int class);

#endif
