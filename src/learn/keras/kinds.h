/* kinds.h -- Keras' layers and ours: one row for each class that both have. */
#ifndef KERAS_KINDS_H
#define KERAS_KINDS_H

#include "base/node/node.h"
#include "learn/nn/model.h"

/* A layer of theirs on its way in. */
struct keras_layer {
	const char        *path;             /* of the file, for messages                    */
	const char        *class_name, *name;
	const struct node *config;
	int                is_last;          /* the model's answer comes from it             */
	const char        *loss;             /* set by an answer's activation, or NULL       */
	const char        *behind;           /* a layer that must follow, "softmax", or NULL */
	int                pad[4];           /* zeros that the layer in front should add     */
	int                padded;           /* ... if it does                               */
	int                positive;         /* what it reads is never below 0               */
	int                flat;             /* what it reads is features, no pictures       */
	int                old;              /* of a Keras before version 3                  */
};

/* Arrays in their order: the key that says whether it is there, NULL: always; and our name. */
struct keras_var { const char *key, *ours; };
struct keras_kind {
	const char      *class_name, *snake;
	struct keras_var var[5];             /* to an `ours` of NULL                         */
	/* `kind: {settings` of ours, without the bracket at the end; says nothing for layers that
	 * have no place in ours. */
	tt_status      (*say)(struct keras_layer *l, struct str *out);
};

/* TT_ESUPPORT names layer and class. */
tt_status keras_kind_find(const struct keras_layer *l, const struct keras_kind **out);
/* TT_ESUPPORT: "FILE: layer NAME (CLASS): WHAT". */
tt_status keras_refuse(const struct keras_layer *l, const char *what);

/* Settings. */
int       keras_int(const struct node *config, const char *key, int fallback);
const char *keras_text(const struct node *config, const char *key, const char *fallback);
int       keras_is(const struct node *config, const char *key, int fallback);   /* true, false */
double    keras_number(const struct node *config, const char *key, double fallback);

#endif
