/* devices.c -- open what the build has, close it again. */
#include "compute/exec/device.h"

#include "sys/plug.h"

struct mem *device_mem(const struct device *d) { return d->mem ? d->mem : &host_mem; }

static tt_status open_next(struct device_list *l, int n, const struct device_ops *ops)
{
	tt_status st;

	if (ops->abi != DEVICE_ABI)
		return err_set(TT_EINTERNAL, "device %s was built for another tutti", ops->name);
	if ((st = ops->open(&l->dev[n])) != TT_OK)
		l->dev[n] = NULL;
	return st;
}

tt_status device_list_open(struct device_list *l, const struct device_ops *const *ops)
{
	tt_status st = TT_OK;

	*l = (struct device_list){ { NULL } };
	for (int n = 0; st == TT_OK && ops[n] && n < DEVICE_LIST_MAX; n++)
		st = open_next(l, n, ops[n]);
	if (st != TT_OK)
		device_list_close(l);
	return st;
}

int device_list_known(const struct device_ops **out)
{
	const struct plug *plug[DEVICE_LIST_MAX];
	const int n = plug_all(PLUG_DEVICE, plug, DEVICE_LIST_MAX);

	for (int i = 0; i < n; i++)
		out[i] = plug[i]->ops;
	out[n] = NULL;
	return n;
}

tt_status device_list_open_known(struct device_list *l)
{
	const struct device_ops *ops[DEVICE_LIST_MAX + 1];

	device_list_known(ops);
	return device_list_open(l, ops);
}

const struct product_ops *device_list_product(const struct device_list *l)
{
	for (int i = 0; l->dev[i]; i++)
		if (l->dev[i]->ops->product)
			return l->dev[i]->ops->product;
	return NULL;
}

void device_list_close(struct device_list *l)
{
	for (int i = 0; l->dev[i]; i++) {
		l->dev[i]->ops->close(l->dev[i]);
		l->dev[i] = NULL;
	}
}
