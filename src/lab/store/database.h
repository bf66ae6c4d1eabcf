/* database.h -- the port behind which databases hide: SQL with numbered places, rows as values.
 *
 * The statements are the store's (store.c) and of the kind that SQLite and PostgreSQL both know; in
 * what they differ, the row has words.  One thread at a time. */
#ifndef STORE_DATABASE_H
#define STORE_DATABASE_H

#include <tutti/store.h>

struct db;

enum db_kind { DB_NULL, DB_INT, DB_REAL, DB_TEXT };
struct db_value { enum db_kind kind; int64_t i; double d; const char *t; };

typedef tt_status db_row_fn(void *ctx, const struct db_value *v);       /* as many as selected */
struct db_query {
	const char            *sql;          /* ?1, ?2 ... stand for the arguments */
	const struct db_value *arg;
	int                    args;
	db_row_fn             *row;          /* NULL: nobody looks */
	void                  *ctx;
};

struct database_ops {
	const char *serial;                  /* type of a key that counts by itself   */
	const char *table_tail;              /* behind a table with a key of its own  */
	const char *begin;                   /* a transaction that will write         */
	const char *lock;                    /* in it, before tables are made; NULL: it is one  */
	/* TT_ENOENT, TT_EFORMAT as of tt_store_open. */
	tt_status (*open)(struct db **out, const char *place, enum tt_store_access access);
	void      (*close)(struct db **d);
	tt_status (*run)(struct db *d, const struct db_query *q);
};

static inline struct db_value db_int(int64_t i)
{
	return (struct db_value){ .kind = DB_INT, .i = i };
}
static inline struct db_value db_real(double d)
{
	return (struct db_value){ .kind = DB_REAL, .d = d };
}
static inline struct db_value db_text(const char *t)                    /* NULL is NULL */
{
	return (struct db_value){ .kind = t ? DB_TEXT : DB_NULL, .t = t };
}
static inline double db_number(const struct db_value *v)
{
	return v->kind == DB_REAL ? v->d : v->kind == DB_INT ? (double)v->i : 0;
}
static inline const char *db_word(const struct db_value *v)
{
	return v->kind == DB_TEXT ? v->t : "";
}

#endif
