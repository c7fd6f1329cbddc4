/* SPDX-License-Identifier: MIT
 * ResNetForImageClassification of transformers (modeling_resnet.py of 4.50):
 * He et al. 2015, in stages whose widths and depths the configuration lists.
 */
#include "formats/arch.h"
#include "formats/hf.h"

struct resnet {
	bool bottleneck, first; /* the stride is in the first convolution */
};

static const char *
conv_norm(struct draw *a, const char *at, const char *x, int64_t in,
    int64_t out, int64_t size, int64_t stride)
{
	const char *conv = draw_path(a, "%s.convolution", at);

	hf_dims(a, conv, "weight", 4, (int64_t[]){out, in, size, size});
	x = hf_conv(a, conv, x,
	    (struct hf_window){
		.stride = stride, .before = size / 2, .after = size / 2});
	return hf_batch_norm(
	    a, draw_path(a, "%s.normalization", at), x, out, 1e-5);
}

static const char *
activate(struct draw *a, const char *at, const char *x)
{
	return hf_activation(a, "relu", at, x);
}

static const char *
block(struct draw *a, const struct resnet *r, const char *at, const char *x,
    int64_t in, int64_t out, int64_t stride)
{
	const char *one = draw_path(a, "%s.layer.0", at);
	const char *two = draw_path(a, "%s.layer.1", at);
	const char *three = draw_path(a, "%s.layer.2", at), *y;
	bool deep = r->bottleneck, project = in != out || stride != 1;
	int64_t early = r->first || !deep ? stride : 1;
	int64_t mid = deep ? out / 4 : out;

	y = conv_norm(a, one, x, in, mid, deep ? 1 : 3, early);
	y = conv_norm(a, two, activate(a, one, y), mid, mid, 3, stride / early);
	if (deep)
		y = conv_norm(a, three, activate(a, two, y), mid, out, 1, 1);
	if (project)
		x = conv_norm(
		    a, draw_path(a, "%s.shortcut", at), x, in, out, 1, stride);
	return activate(a, at, draw_binary(a, "Add", at, y, x));
}

static const char *
stage(struct draw *a, const struct resnet *r, size_t s, const char *x,
    int64_t in, int64_t out, int64_t depth)
{
	int64_t stride =
	    s > 0 || hf_flag(a, "downsample_in_first_stage", false) ? 2 : 1;

	for (int64_t i = 0; a->rc == 0 && i < depth; i++) {
		const char *at = draw_path(
		    a, "resnet.encoder.stages.%zu.layers.%" PRId64, s, i);

		x = block(a, r, at, x, in, out, stride);
		in = out;
		stride = 1;
	}
	return x;
}

static bool
is_bottleneck(struct draw *a)
{
	const char *type = hf_text(a, "layer_type");

	if (type != NULL && strcmp(type, "basic") != 0 &&
	    strcmp(type, "bottleneck") != 0)
		hf_bad(a, "config.json: 'layer_type' is '%.40s'", type);
	return type == NULL || strcmp(type, "bottleneck") == 0;
}

static const char *
draw(struct draw *a, const char *x)
{
	static const char stem[] = "resnet.embedder.embedder";
	int64_t width[HF_LIST] = {256, 512, 1024, 2048};
	int64_t depth[HF_LIST] = {3, 4, 6, 3}, image[2];
	int64_t in = hf_int(a, "embedding_size", 64, 1, 1 << 20);
	size_t nwidth = 4, ndepth = 4;
	struct resnet r = {.bottleneck = is_bottleneck(a),
	    .first = hf_flag(a, "downsample_in_bottleneck", false)};

	hf_ints(a, "hidden_sizes", width, &nwidth, 1 << 20);
	hf_ints(a, "depths", depth, &ndepth, 1 << 20);
	if (nwidth != ndepth || nwidth == 0)
		hf_bad(a, "config.json: %zu 'hidden_sizes' and %zu 'depths'",
		    nwidth, ndepth);
	hf_image(a, 224, false, image);
	x = conv_norm(a, stem, x, a->m->shape[1], in, 7, 2);
	x = activate(a, stem, x);
	x = draw_max_pool(a, "resnet.embedder.pooler", x, 3, 2, 1, false);
	for (size_t s = 0; a->rc == 0 && s < nwidth; s++) {
		x = stage(a, &r, s, x, in, width[s], depth[s]);
		in = width[s];
	}
	x = draw_global_pool(a, "resnet.pooler", x);
	return hf_classifier(a, "classifier.1", x, in);
}

static size_t
match(const struct weights *w, const json_t *config)
{
	return hf_match(
	    w, config, "resnet", "resnet.embedder.embedder.convolution.weight");
}

const struct arch_family arch_hf_resnet = {
    .name = "hf-resnet",
    .summary = "ResNet of transformers",
    .match = match,
    .draw = draw,
};
