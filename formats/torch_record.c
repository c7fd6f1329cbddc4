/* SPDX-License-Identifier: MIT */
#include "formats/torch_record.h"

#include "base/limits.h"
#include "formats/arch.h"
#include "formats/pickle_scalar.h"

struct data {
	const char *name;
	uint32_t side;
	size_t n; /* values of each; 0: not normalised */
	double mean[3], std[3];
};

/* get_dataset_normalization() and get_input_shape(). */
static const struct data datasets[] = {
    {"mnist", 28, 1, {.5}, {.5}},
    {"cifar10", 32, 3, {.4914, .4822, .4465}, {.247, .243, .261}},
    {"cifar100", 32, 3, {.5071, .4865, .4409}, {.2673, .2564, .2762}},
    {"gtsrb", 32, 0, {0}, {0}},
    {"celeba", 64, 0, {0}, {0}},
    {"tiny", 64, 3, {.4802, .4481, .3975}, {.2302, .2265, .2262}},
    {"imagenet", 224, 3, {.485, .456, .406}, {.229, .224, .225}},
};

/* generate_cls_model(): how its names begin, and the family of arch.def. */
static const struct {
	const char *begins, *family;
} models[] = {
    {"resnet", "resnet"},
    {"resnext", "resnet"},
    {"wide_resnet", "resnet"},
    {"preactresnet", "preact"},
    {"senet", "senet"},
    {"vgg", "vgg"},
    {"alexnet", "alexnet"},
    {"squeezenet", "squeezenet"},
    {"densenet", "densenet"},
    {"inception_v3", "inception_v3"},
    {"googlenet", "googlenet"},
    {"shufflenet_v2", "shufflenet_v2"},
    {"mobilenet_v2", "mobilenet_v2"},
    {"mobilenet_v3", "mobilenet_v3"},
    {"mnasnet", "mnasnet"},
    {"efficientnet", "efficientnet"},
    {"convnext", "convnext"},
    {"vit_", "vit"},
};

static bool
begins(struct slice s, const char *prefix)
{
	return s.len >= strlen(prefix) &&
	       memcmp(s.ptr, prefix, strlen(prefix)) == 0;
}

static void
take_arch(
    struct torch *t, struct slice name, struct torch_record *r, struct hints *h)
{
	torch_note(t, "BackdoorBench, model %.*s", (int)MIN(name.len, 40),
	    (const char *)name.ptr);
	r->resizes = begins(name, "vit_");
	for (size_t i = 0; i < ARRAY_LEN(models) && h->arch == NULL; i++)
		if (begins(name, models[i].begins) &&
		    arch_named(models[i].family) != NULL)
			h->arch = models[i].family;
}

/* [height, width, channels]; else what the data set has. */
static void
take_size(const struct torch *t, const struct data *d, struct preprocess *p)
{
	const struct pickle_node *n = pickle_get(t->root, "img_size");
	int64_t height, width;

	p->resize = RESIZE_EXACT;
	p->filter = FILTER_BILINEAR;
	p->height = p->width = d->side;
	if (!pickle_scalar_int(pickle_item(n, 0), &height) ||
	    !pickle_scalar_int(pickle_item(n, 1), &width) || height < 1 ||
	    width < 1 || height > LIMIT_IMAGE_SIDE || width > LIMIT_IMAGE_SIDE)
		return;
	p->height = (uint32_t)height;
	p->width = (uint32_t)width;
}

static void
take_data(struct torch *t, struct slice name, struct hints *h)
{
	const struct data *d = NULL;

	/* the longest that it begins with: cifar100, not cifar10 */
	for (size_t i = 0; i < ARRAY_LEN(datasets); i++)
		if (begins(name, datasets[i].name) &&
		    (d == NULL || strlen(datasets[i].name) > strlen(d->name)))
			d = &datasets[i];
	torch_note(t, "data set %.*s%s", (int)MIN(name.len, 40),
	    (const char *)name.ptr,
	    d == NULL ? ", whose normalisation is not known" : "");
	if (d == NULL || h->preprocess.nmean != 0 || h->preprocess.nstd != 0)
		return;
	take_size(t, d, &h->preprocess);
	for (size_t i = 0; i < d->n; i++) {
		h->preprocess.mean[i] = d->mean[i];
		h->preprocess.std[i] = d->std[i];
	}
	h->preprocess.nmean = h->preprocess.nstd = d->n;
	h->preprocess.from = "BackdoorBench record";
}

/* The label of a poisoned image: {"other_info": [label, original], ...}, or
 * (image, label, original). */
static const struct pickle_node *
label_of(const struct pickle_node *n)
{
	const struct pickle_node *info = pickle_get(n, "other_info");

	return info != NULL ? pickle_item(info, 0) : pickle_item(n, 1);
}

/* What the poisoned test images are to become, when it is one class. */
static int
tell_target(struct torch *t, struct err *e)
{
	const struct pickle_node *bd = pickle_get(t->root, "bd_test"), *list;
	bool old = pickle_get(bd, "y") != NULL;
	int64_t first = -1, label;
	size_t step = old ? 1 : 2;
	int rc;

	list =
	    old ? pickle_get(bd, "y")
		: pickle_get(pickle_get(bd, "bd_data_container"), "data_dict");
	if (!old && (list = pickle_dict(list)) == NULL)
		return 0;
	if ((rc = torch_spend(t, list->n, e)) != 0 || list->n == 0 ||
	    (old && !pickle_is(list, PICKLE_LIST)))
		return rc;
	for (size_t i = step - 1; i < list->n; i += step) {
		const struct pickle_node *d = pickle_dict(list->item[i]);

		if (d != NULL && (rc = torch_spend(t, d->n, e)) != 0)
			return rc;
		if (!pickle_scalar_int(
			old ? list->item[i] : label_of(list->item[i]), &label))
			return 0;
		if (first >= 0 && label != first) {
			torch_note(t, "poisoned images become several classes");
			return 0;
		}
		first = label;
	}
	torch_note(t, "poisoned images become class %" PRId64, first);
	return 0;
}

int
torch_record_read(
    struct torch *t, struct torch_record *r, struct hints *h, struct err *e)
{
	const struct pickle_node *model, *data;
	int64_t classes;
	int rc = 0;

	*r = (struct torch_record){0};
	if (pickle_dict(t->root) != NULL)
		rc = torch_spend(t, 8 * (size_t)pickle_dict(t->root)->n, e);
	model = pickle_get(t->root, "model_name");
	if (rc != 0 || !pickle_is(model, PICKLE_STR) ||
	    pickle_get(t->root, "model") == NULL)
		return rc;
	r->is = true;
	take_arch(t, model->text, r, h);
	data = pickle_get(t->root, "clean_data");
	if (pickle_is(data, PICKLE_STR))
		take_data(t, data->text, h);
	if (pickle_scalar_int(pickle_get(t->root, "num_classes"), &classes) &&
	    classes > 0)
		r->classes = (uint64_t)classes;
	return tell_target(t, e);
}
