/* class_weights.h -- what a sample weighs in training for being of its class.
 *
 * The weighted mean of the losses is divided by the weights of the samples, as PyTorch's loss with
 * `weight=` is: it is that of samples which weigh as much.  Where samples have weights of their own
 * the two are multiplied. */
#ifndef TRAIN_CLASS_WEIGHTS_H
#define TRAIN_CLASS_WEIGHTS_H

#include <tutti/data.h>

#include "base/node/node.h"
#include "data/loader.h"

struct class_weights;

/* As train.class_weights says: "balanced", which makes all classes weigh alike (samples / classes /
 * samples of the class); a list by class; a map by name, where others weigh 1.  *out stays NULL
 * where it says nothing.  batch: samples of one at most. */
tt_status class_weights_new(struct class_weights **out, const struct node *n, tt_source *source,
                            int batch);
void      class_weights_free(struct class_weights **w);          /* NULL is fine */
double    class_weights_of(const struct class_weights *w, int class);
/* A batch that weighs so; borrowed, until the next call. */
const struct batch *class_weights_take(struct class_weights *w, const struct batch *b);

#endif
