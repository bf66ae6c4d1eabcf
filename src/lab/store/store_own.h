/* store_own.h -- what the files of the store share. */
#ifndef STORE_STORE_OWN_H
#define STORE_STORE_OWN_H

#include "lab/store/database.h"

struct tt_store { const struct database_ops *ops; struct db *db; };

#define STORE_VALUES(...) ((const struct db_value[]){ __VA_ARGS__ })
/* Run a statement with these values. */
#define store_do(s, sql, ...) store_run((s), &(struct db_query){ (sql), STORE_VALUES(__VA_ARGS__), \
	(int)(sizeof STORE_VALUES(__VA_ARGS__) / sizeof(struct db_value)), NULL, NULL })
#define store_ask(s, f, to, sql, ...) store_run((s), &(struct db_query){ (sql), \
	STORE_VALUES(__VA_ARGS__), (int)(sizeof STORE_VALUES(__VA_ARGS__) / sizeof(struct db_value)), \
	(f), (to) })
tt_status store_run(tt_store *s, const struct db_query *q);
/* Between the two all is written or nothing; end passes st on. */
tt_status store_begin(tt_store *s);
tt_status store_end(tt_store *s, tt_status st);
/* The number by which the tables know a run. */
tt_status store_key(tt_store *s, const char *id, int64_t *out);
/* Inside a transaction. */
tt_status store_make_models(tt_store *s);
tt_status store_put_row(tt_store *s, const tt_store_run *r);
tt_status store_write_rows(tt_store *s, int64_t key, const tt_record *v, int n);

#endif
