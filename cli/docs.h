/* docs.h -- the written word about the program, made from the tables that run it. */
#ifndef CLI_DOCS_H
#define CLI_DOCS_H

#include <tutti/catalog.h>

#include "verbs.h"

/* What `tutti help` prints: the list of verbs; one verb. */
void docs_overview(struct str *out);
void docs_verb(const struct verb *v, struct str *out);

/* Every kind of layer has the same options first; its own begin here. */
int docs_own_options(const tt_options *t);
/* Call f for the kinds of layers, group by group. */
void docs_each_kind(void (*f)(const tt_entry *k, const char *new_group, struct str *out),
                    struct str *out);

/* Topics of help that are no verbs. */
void docs_spec(struct str *out);
void docs_layers(struct str *out);
void docs_sources(struct str *out);
void docs_exit_codes(struct str *out);

/* Files below docs/ and share/. */
void docs_man(struct str *out);
void docs_markdown(struct str *out);
void docs_bash(struct str *out);
void docs_zsh(struct str *out);
void docs_spec_reference(struct str *out);

#endif
