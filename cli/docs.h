/* docs.h -- the written word about the program, made from the tables that run it. */
#ifndef CLI_DOCS_H
#define CLI_DOCS_H

#include <tutti/catalog.h>

#include "verbs.h"

/* What `tutti help` prints: the list of verbs; one verb. */
void docs_overview(const struct verb *const *all, struct str *out);
void docs_verb(const struct verb *v, struct str *out);

/* Every kind of layer has the same options first; its own begin here. */
int docs_own_options(const tt_options *t);
/* One kind of layer. */
void docs_layer(const tt_entry *k, struct str *out);
/* One kind of source. */
void docs_source(const tt_entry *k, struct str *out);
/* Call f for the kinds of layers, group by group. */
void docs_each_kind(void (*f)(const tt_entry *k, const char *new_group, struct str *out),
                    struct str *out);

/* What `tutti help` explains besides verbs; ends with a NULL name. */
struct topic { const char *name; void (*write)(struct str *out); };
extern const struct topic help_topics[];

/* Topics of help that are no verbs. */
void docs_spec(struct str *out);
void docs_layers(struct str *out);
void docs_sources(struct str *out);
void docs_strategies(struct str *out);
void docs_metrics(struct str *out);
void docs_samplers(struct str *out);
void docs_schedulers(struct str *out);
void docs_exit_codes(struct str *out);

/* Files below docs/ and share/. */
void docs_man(const struct verb *const *all, struct str *out);
void docs_markdown(const struct verb *const *all, struct str *out);
void docs_bash(const struct verb *const *all, struct str *out);
void docs_zsh(const struct verb *const *all, struct str *out);
void docs_spec_reference(struct str *out);

#endif
