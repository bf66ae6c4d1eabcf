/* devices.c -- open what the build has, close it again. */
#include "compute/exec/device.h"

struct mem *device_mem(const struct device *d) { return d->mem ? d->mem : &host_mem; }

tt_status device_list_open(struct device_list *l, const struct device_ops *const *ops)
{
	int n = 0;

	*l = (struct device_list){ { NULL } };
	for (; *ops && n < DEVICE_LIST_MAX; ops++) {
		tt_status st;

		if ((*ops)->abi != DEVICE_ABI)
			st = err_set(TT_EINTERNAL, "device %s was built for another tutti", (*ops)->name);
		else
			st = (*ops)->open(&l->dev[n]);
		if (st != TT_OK) {
			l->dev[n] = NULL;
			device_list_close(l);
			return st;
		}
		n++;
	}
	return TT_OK;
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
